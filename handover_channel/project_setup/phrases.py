"""Holds what a bot says and understands about handing over, in seven languages.

Examples are whole requests, so that they resemble each other and no small talk; none names a target. They
stand in an order of which the first few will do for a bot with few examples: each names people by another
word, and what a bot's own intents are full of ("please", "I would like", "help me") comes late. Texts keep to
what holds for every target.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Tuple


@dataclass(frozen=True)
class Phrases:
    """One language."""

    name: str  #: of the language, in English
    handing_over: str
    failed: str
    closed: str  #: with {opens}
    returned: str
    button: str  #: 20 characters at most
    keywords: Tuple[str, ...]  #: of the person, to come back to the bot
    examples: Tuple[str, ...]  #: of the person, to ask for people; the first is the plainest


ENGLISH = Phrases(
    name="English",
    handing_over="I am handing you over to a colleague. Until you come back I keep quiet.",
    failed="I am sorry, I could not reach anybody. How can I help?",
    closed="Nobody is there at the moment; my colleagues are back at {opens}. How can I help?",
    returned="The bot is back. How can I help?",
    button="Back to Bot",
    keywords=("back to bot", "main menu"),
    examples=(
        "I want to talk to a human",
        "talk to an agent",
        "can I talk to a real person",
        "transfer me to customer service",
        "human please",
        "I need to speak with someone from your team",
        "human agent",
        "could I speak to a member of staff",
        "connect me with an agent",
        "let me talk to customer support",
        "get me a human",
        "hand me over to a colleague",
        "let me speak to a human",
        "live agent please",
        "please transfer me to a person",
        "is there a human I can talk to",
        "I'd rather talk to somebody real",
        "I need a human",
        "can someone from your team help me",
        "get me a real person please",
        "I want to speak to an agent please",
        "connect me to a human being",
        "I would like to chat with a live person",
        "talk to a human",
        "I don't want to talk to a machine, give me a person",
    ),
)
ARABIC = Phrases(
    name="Arabic",
    handing_over="أحوّلك الآن إلى أحد الزملاء، وسألتزم الصمت حتى تعود.",
    failed="عذرًا، لم أتمكن من الوصول إلى أحد. كيف أساعدك؟",
    closed="لا أحد متاح الآن، وسيعود زملائي في {opens}. كيف أساعدك؟",
    returned="عاد البوت. كيف أساعدك؟",
    button="العودة إلى البوت",
    keywords=("العودة إلى البوت", "القائمة الرئيسية"),
    examples=(
        "أريد التحدث مع موظف",
        "أريد أن أتكلم مع شخص حقيقي",
        "حولني إلى خدمة العملاء",
        "بدي أحكي مع موظف",
        "أبغى أكلم موظف",
        "عايز أكلم حد من خدمة العملاء",
        "أريد التحدث مع إنسان",
        "وصلني بموظف",
        "هل يمكنني التحدث مع أحد من فريقكم",
        "أحتاج إلى موظف بشري",
        "موظف من فضلك",
        "اريد اتكلم مع موظف",
        "حولني إلى موظف",
        "أود التواصل مع أحد الموظفين",
        "ممكن أتكلم مع موظف",
        "وصلني بخدمة العملاء",
        "أريد شخصا حقيقيا",
        "هل يوجد موظف أتحدث معه",
        "أريد موظفا من فضلك",
        "لا أريد التحدث مع روبوت",
    ),
)
FRENCH = Phrases(
    name="French",
    handing_over="Je vous mets en relation avec un collègue. Je me tais jusqu'à votre retour.",
    failed="Désolé, je n'ai pu joindre personne. Comment puis-je vous aider ?",
    closed="Personne n'est là ; mes collègues reviennent à {opens}. Comment puis-je vous aider ?",
    returned="Le bot est de retour. Comment puis-je vous aider ?",
    button="Retour au bot",
    keywords=("retour au bot", "menu principal"),
    examples=(
        "je veux parler à un humain",
        "parler à un conseiller",
        "je voudrais parler à une vraie personne",
        "mettez-moi en contact avec le service client",
        "mettez-moi en relation avec un agent",
        "j'ai besoin de parler à quelqu'un de votre équipe",
        "passez-moi un humain",
        "un humain s'il vous plaît",
        "je souhaite parler à un agent",
        "transférez-moi à une personne",
        "je veux joindre le service client",
        "est-ce qu'un employé peut me répondre",
        "puis-je parler à un conseiller",
        "est-ce que je peux parler avec quelqu'un de réel",
        "j'ai besoin d'un humain",
        "y a-t-il une personne à qui parler",
        "je préfère parler à une personne",
        "passez-moi un conseiller s'il vous plaît",
        "un conseiller s'il vous plaît",
        "je ne veux pas parler à un robot",
    ),
)
SPANISH = Phrases(
    name="Spanish",
    handing_over="Te paso con un compañero. Guardo silencio hasta que vuelvas.",
    failed="Lo siento, no he podido contactar con nadie. ¿En qué puedo ayudarte?",
    closed="Ahora no hay nadie; mis compañeros vuelven a las {opens}. ¿En qué puedo ayudarte?",
    returned="El bot ha vuelto. ¿En qué puedo ayudarte?",
    button="Volver al bot",
    keywords=("volver al bot", "menú principal"),
    examples=(
        "quiero hablar con una persona",
        "hablar con un agente",
        "quiero hablar con un humano",
        "conéctame con atención al cliente",
        "comuníqueme con un asesor",
        "me gustaría hablar con alguien de su equipo",
        "pásame con un agente",
        "un humano por favor",
        "puedo hablar con una persona real",
        "transfiéreme a un operador humano",
        "quiero que me atienda una persona",
        "hablar con un asesor",
        "quiero contactar con atención al cliente",
        "necesito hablar con un agente",
        "necesito un humano",
        "hay alguna persona con la que pueda hablar",
        "prefiero hablar con una persona",
        "un agente por favor",
        "páseme con una persona por favor",
        "no quiero hablar con una máquina",
    ),
)
GERMAN = Phrases(
    name="German",
    handing_over="Ich verbinde Sie mit einem Kollegen. Bis Sie zurückkommen, bin ich still.",
    failed="Es tut mir leid, ich konnte niemanden erreichen. Wie kann ich helfen?",
    closed="Gerade ist niemand da; meine Kollegen sind ab {opens} zurück. Wie kann ich helfen?",
    returned="Der Bot ist wieder da. Wie kann ich helfen?",
    button="Zurück zum Bot",
    keywords=("zurück zum bot", "hauptmenü"),
    examples=(
        "ich möchte mit einem Menschen sprechen",
        "mit einem Mitarbeiter sprechen",
        "kann ich mit einer echten Person sprechen",
        "leiten Sie mich an den Kundendienst weiter",
        "Mensch bitte",
        "geben Sie mir einen echten Ansprechpartner",
        "ich möchte den Kundenservice sprechen",
        "verbinden Sie mich mit einem Mitarbeiter",
        "ich will mit einem Menschen reden",
        "holen Sie mir bitte einen Kollegen",
        "kann ich bitte jemanden vom Support sprechen",
        "ich brauche einen Menschen",
        "ich hätte gern einen menschlichen Ansprechpartner",
        "einen Mitarbeiter bitte",
        "ich möchte lieber mit einer Person sprechen",
        "kann mich jemand aus Ihrem Team beraten",
        "gibt es einen Menschen, mit dem ich reden kann",
        "ich möchte mit einem Mitarbeiter sprechen",
        "bitte mit einem Menschen verbinden",
        "ich will nicht mit einer Maschine reden",
    ),
)
PORTUGUESE = Phrases(
    name="Portuguese",
    handing_over="Vou transferir você para um colega. Fico em silêncio até você voltar.",
    failed="Desculpe, não consegui falar com ninguém. Como posso ajudar?",
    closed="Não há ninguém agora; meus colegas voltam às {opens}. Como posso ajudar?",
    returned="O bot voltou. Como posso ajudar?",
    button="Voltar ao bot",
    keywords=("voltar ao bot", "menu principal"),
    examples=(
        "quero falar com uma pessoa",
        "falar com um atendente",
        "quero falar com um humano",
        "me conecte com o atendimento ao cliente",
        "chame um atendente",
        "gostaria de falar com alguém da equipe",
        "quero atendimento humano",
        "atendente por favor",
        "posso falar com uma pessoa de verdade",
        "me passe para um atendente",
        "gostaria de falar com um agente",
        "quero ser atendido por uma pessoa",
        "preciso de um humano",
        "alguém da sua equipe pode me atender",
        "preciso falar com um atendente",
        "prefiro falar com uma pessoa",
        "me transfira para uma pessoa por favor",
        "tem alguma pessoa com quem eu possa falar",
        "um humano por favor",
        "não quero falar com um robô",
    ),
)
TURKISH = Phrases(
    name="Turkish",
    handing_over="Sizi bir arkadaşıma aktarıyorum. Siz dönene kadar sessiz kalacağım.",
    failed="Üzgünüm, kimseye ulaşamadım. Nasıl yardımcı olabilirim?",
    closed="Şu anda kimse yok; arkadaşlarım {opens} itibarıyla burada. Nasıl yardımcı olabilirim?",
    returned="Bot geri döndü. Nasıl yardımcı olabilirim?",
    button="Bota dön",
    keywords=("bota dön", "ana menü"),
    examples=(
        "bir insanla konuşmak istiyorum",
        "müşteri temsilcisine bağla",
        "gerçek bir kişiyle konuşmak istiyorum",
        "müşteri hizmetlerine bağlanmak istiyorum",
        "canlı destek istiyorum",
        "ekibinizden biriyle konuşmak istiyorum",
        "temsilci lütfen",
        "bir yetkiliyle görüşmek istiyorum",
        "beni bir temsilciye bağlayın",
        "bir temsilciyle konuşabilir miyim",
        "bir çalışanınızla görüşebilir miyim",
        "insan lütfen",
        "beni bir insana bağlar mısınız",
        "müşteri temsilcisiyle görüşmek istiyorum",
        "gerçek birine aktarın lütfen",
        "bana gerçek bir insan verin",
        "bir insana ihtiyacım var",
        "bir kişiyle yazışmayı tercih ederim",
        "konuşabileceğim biri var mı",
        "robotla konuşmak istemiyorum",
    ),
)

#: Language code, as in config.yml -> what is said in it.
PHRASES_OF_LANGUAGE: Dict[str, Phrases] = {
    "en": ENGLISH,
    "ar": ARABIC,
    "fr": FRENCH,
    "es": SPANISH,
    "de": GERMAN,
    "pt": PORTUGUESE,
    "tr": TURKISH,
}


def code_of(language: str) -> str:
    """Return the code in `PHRASES_OF_LANGUAGE` of a bot's `language` ("de_DE", "pt-BR"), else English."""
    code = language.replace("_", "-").partition("-")[0].lower()
    return code if code in PHRASES_OF_LANGUAGE else "en"
