"""Holds what a bot says and understands about handing over, in seven languages.

Examples are whole requests, so that they resemble each other and no small talk; none names a target. Texts
keep to what holds for every target.
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
        "can I talk to a real person",
        "let me speak to a human",
        "talk to a human",
        "talk to an agent",
        "I want to speak to an agent please",
        "connect me with an agent",
        "connect me to a human being",
        "please transfer me to a person",
        "transfer me to customer service",
        "hand me over to a colleague",
        "I need a human",
        "I need to speak with someone from your team",
        "can someone from your team help me",
        "get me a human",
        "get me a real person please",
        "human please",
        "human agent",
        "live agent please",
        "I would like to chat with a live person",
        "I don't want to talk to a machine, give me a person",
        "is there a human I can talk to",
        "could I speak to a member of staff",
        "let me talk to customer support",
        "I'd rather talk to somebody real",
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
        "ممكن أتكلم مع موظف",
        "حولني إلى موظف",
        "حولني إلى خدمة العملاء",
        "أريد التحدث مع إنسان",
        "أريد موظفا من فضلك",
        "أحتاج إلى موظف بشري",
        "هل يمكنني التحدث مع أحد من فريقكم",
        "هل يوجد موظف أتحدث معه",
        "اريد اتكلم مع موظف",
        "بدي أحكي مع موظف",
        "أبغى أكلم موظف",
        "عايز أكلم حد من خدمة العملاء",
        "وصلني بموظف",
        "وصلني بخدمة العملاء",
        "موظف من فضلك",
        "لا أريد التحدث مع روبوت",
        "أريد شخصا حقيقيا",
        "أود التواصل مع أحد الموظفين",
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
        "je voudrais parler à une vraie personne",
        "puis-je parler à un conseiller",
        "parler à un conseiller",
        "je souhaite parler à un agent",
        "passez-moi un humain",
        "passez-moi un conseiller s'il vous plaît",
        "mettez-moi en relation avec un agent",
        "mettez-moi en contact avec le service client",
        "transférez-moi à une personne",
        "j'ai besoin de parler à quelqu'un de votre équipe",
        "j'ai besoin d'un humain",
        "un humain s'il vous plaît",
        "un conseiller s'il vous plaît",
        "est-ce que je peux parler avec quelqu'un de réel",
        "y a-t-il une personne à qui parler",
        "je ne veux pas parler à un robot",
        "je préfère parler à une personne",
        "je veux joindre le service client",
        "est-ce qu'un employé peut me répondre",
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
        "quiero hablar con un humano",
        "puedo hablar con una persona real",
        "necesito hablar con un agente",
        "hablar con un agente",
        "hablar con un asesor",
        "pásame con un agente",
        "páseme con una persona por favor",
        "comuníqueme con un asesor",
        "conéctame con atención al cliente",
        "quiero que me atienda una persona",
        "necesito un humano",
        "un humano por favor",
        "un agente por favor",
        "me gustaría hablar con alguien de su equipo",
        "hay alguna persona con la que pueda hablar",
        "no quiero hablar con una máquina",
        "prefiero hablar con una persona",
        "transfiéreme a un operador humano",
        "quiero contactar con atención al cliente",
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
        "ich will mit einem Menschen reden",
        "kann ich mit einer echten Person sprechen",
        "mit einem Mitarbeiter sprechen",
        "ich möchte mit einem Mitarbeiter sprechen",
        "verbinden Sie mich mit einem Mitarbeiter",
        "bitte mit einem Menschen verbinden",
        "ich brauche einen Menschen",
        "einen Mitarbeiter bitte",
        "Mensch bitte",
        "leiten Sie mich an den Kundendienst weiter",
        "kann mich jemand aus Ihrem Team beraten",
        "ich möchte den Kundenservice sprechen",
        "geben Sie mir einen echten Ansprechpartner",
        "gibt es einen Menschen, mit dem ich reden kann",
        "ich will nicht mit einer Maschine reden",
        "ich möchte lieber mit einer Person sprechen",
        "kann ich bitte jemanden vom Support sprechen",
        "holen Sie mir bitte einen Kollegen",
        "ich hätte gern einen menschlichen Ansprechpartner",
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
        "quero falar com um humano",
        "posso falar com uma pessoa de verdade",
        "preciso falar com um atendente",
        "falar com um atendente",
        "me passe para um atendente",
        "me transfira para uma pessoa por favor",
        "quero ser atendido por uma pessoa",
        "me conecte com o atendimento ao cliente",
        "preciso de um humano",
        "um humano por favor",
        "atendente por favor",
        "gostaria de falar com alguém da equipe",
        "tem alguma pessoa com quem eu possa falar",
        "não quero falar com um robô",
        "prefiro falar com uma pessoa",
        "gostaria de falar com um agente",
        "chame um atendente",
        "quero atendimento humano",
        "alguém da sua equipe pode me atender",
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
        "gerçek bir kişiyle konuşmak istiyorum",
        "bir temsilciyle konuşabilir miyim",
        "müşteri temsilcisiyle görüşmek istiyorum",
        "müşteri temsilcisine bağla",
        "beni bir temsilciye bağlayın",
        "beni bir insana bağlar mısınız",
        "bir yetkiliyle görüşmek istiyorum",
        "canlı destek istiyorum",
        "müşteri hizmetlerine bağlanmak istiyorum",
        "bir insana ihtiyacım var",
        "insan lütfen",
        "temsilci lütfen",
        "ekibinizden biriyle konuşmak istiyorum",
        "konuşabileceğim biri var mı",
        "robotla konuşmak istemiyorum",
        "gerçek birine aktarın lütfen",
        "bir çalışanınızla görüşebilir miyim",
        "bana gerçek bir insan verin",
        "bir kişiyle yazışmayı tercih ederim",
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
