from hypothesis import given
from hypothesis import strategies as st

from handover_channel.messenger.bubble import storable


@given(st.text(st.characters()) | st.text(st.sampled_from("a\x00\ud83d\ude00é\n")))
def test_text_is_stored_as_it_is_but_for_halves_of_surrogate_pairs_and_nul(text):
    assert storable(text) == "".join("?" if 0xD800 <= ord(sign) < 0xE000 else sign for sign in text).replace(
        "\x00", ""
    )
