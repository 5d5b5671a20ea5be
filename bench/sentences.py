"""Holds sentences for `bench.handover_examples`: small bots, and what none has been trained with."""

from __future__ import annotations

from typing import Dict, List, Tuple

#: Intent -> its examples, and sentences held out.
Bot = Dict[str, Tuple[List[str], List[str]]]

#: A shop with four or five examples an intent.
SHOP: Bot = {
    "greet": (
        ["hello", "hi there", "good morning", "hey", "good evening"],
        ["hello bot", "hi", "hey there", "morning", "good afternoon"],
    ),
    "goodbye": (
        ["bye", "see you later", "goodbye", "have a nice day"],
        ["bye bye", "see you", "have a good evening", "good night", "talk to you later"],
    ),
    "thank": (
        ["thanks", "thank you very much", "that helped", "cheers"],
        ["thank you", "many thanks", "thanks a lot", "that was helpful, thanks", "great, thank you"],
    ),
    "affirm": (
        ["yes", "yes please", "of course", "that is right"],
        ["sure", "yep", "correct", "yes that's fine", "ok please do"],
    ),
    "deny": (
        ["no", "no thanks", "I don't want that", "never mind"],
        ["nope", "not really", "no I don't", "I don't think so", "please don't"],
    ),
    "opening_hours": (
        [
            "when are you open",
            "what are your opening hours",
            "are you open on sunday",
            "when do you close today",
            "what time does the shop open",
        ],
        [
            "until when are you open today",
            "is the shop open tomorrow",
            "do you open on saturday",
            "opening times please",
            "how late can I come in",
        ],
    ),
    "order_status": (
        [
            "where is my order",
            "my parcel has not arrived",
            "track my order",
            "when will my order come",
            "what is the status of my order",
        ],
        [
            "has my order been sent yet",
            "I am still waiting for my parcel",
            "can you track a parcel for me",
            "when do I get my delivery",
            "I need to know where my package is",
        ],
    ),
    "shipping_cost": (
        [
            "how much is shipping",
            "what does delivery cost",
            "is shipping free",
            "do you ship to France",
            "shipping costs",
        ],
        [
            "what do you charge for delivery",
            "can I get it delivered for free",
            "can you send it to Spain",
            "how much do I pay for postage",
            "delivery fee",
        ],
    ),
    "return_item": (
        [
            "I want to return my shoes",
            "can I send something back",
            "how do I return an item",
            "I would like my money back",
            "the jacket does not fit",
        ],
        [
            "I need to send this back",
            "can I return these trousers",
            "I want a refund",
            "the shirt is too small, what can I do",
            "could I exchange my jacket",
        ],
    ),
    "bot_challenge": (
        ["are you a bot", "am I talking to a robot", "are you human", "is this a machine"],
        [
            "are you a real person",
            "am I talking to a human",
            "is this a bot",
            "do I talk to a computer",
            "are you a robot or a person",
        ],
    ),
}

#: What the bot that `rasa init` makes has not been trained with, by intent.
MOODBOT: Dict[str, List[str]] = {
    "greet": ["hey bot", "hi hi", "hello friend", "good day", "evening"],
    "goodbye": ["see you tomorrow", "bye for now", "good bye then", "have a great day", "catch you later"],
    "affirm": ["sure", "yes please", "yeah", "right", "sounds great"],
    "deny": ["nope", "I do not like that", "not at all", "nah", "please don't"],
    "mood_great": [
        "I feel great",
        "I am happy today",
        "wonderful, thank you",
        "very very good",
        "I feel like dancing",
    ],
    "mood_unhappy": [
        "I feel terrible",
        "I had a bad day",
        "not great",
        "I am so unhappy",
        "I need cheering up",
    ],
    "bot_challenge": [
        "are you a robot?",
        "are you a real person?",
        "am I speaking with a machine?",
        "is this a bot?",
        "do I talk to a human?",
    ],
}

#: What belongs to no intent of these bots.
NOTHING: List[str] = [
    "what is the capital of France",
    "I like to eat pizza",
    "asdf",
    "it is raining in London",
    "who won the match yesterday",
    "tell me a joke",
    "my dog is called Rex",
    "how old is the moon",
    "can you sing",
    "I want to buy a car",
    "please play some music",
    "what is two plus two",
    "I need a new phone",
    "let me think about it",
    "I want to book a flight to Rome",
    "can I get a discount",
    "give me the recipe",
    "my sister lives in Berlin",
    "I would like a coffee",
    "do you like football",
    "show me a picture of a cat",
    "transfer money to my account",
    "connect my headphones",
    "I need some time",
    "help",
]

#: Requests for people that are no example of ours.
REQUESTS: List[str] = [
    "I want to speak to a person",
    "can I speak with somebody please",
    "put me through to an agent",
    "is there anybody I can talk to",
    "I'd like to talk to a real human being",
    "give me a human",
    "agent",
    "human",
    "real person",
    "let me talk to someone",
    "I want to talk to somebody from support",
    "can a colleague of yours help me",
    "please connect me with customer service",
    "could you transfer me to a member of your team",
    "I need to talk to an actual person",
    "get me an agent now",
    "speak to a representative",
    "I don't want to talk to a bot",
    "talk to a person please",
    "can somebody call me",
    "I want a live agent",
    "is a human there",
    "hand me over to a human",
    "get me your supervisor",
    "customer support please",
    "I would rather speak with a person",
    "can I chat with an employee",
    "stop, I want a human",
    "I need help from a person",
    "operator please",
]
