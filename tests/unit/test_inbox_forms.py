from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3.filepost import encode_multipart_formdata

from handover_channel.errors import InputRefused
from handover_channel.inbox.forms import Form, parse
from handover_channel.rules.limits import FORM_FIELDS, PART_HEAD

URLENCODED = "application/x-www-form-urlencoded"
TEXTS = st.dictionaries(
    st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=9),
    st.text(),
    max_size=9,
)


@given(TEXTS)
def test_what_a_browser_sends_is_read_back(fields):
    assert parse(urlencode(fields).encode(), URLENCODED).fields == fields


@given(TEXTS, st.binary())
def test_a_form_with_a_file_is_read_back(fields, content):
    body, kind = encode_multipart_formdata({**fields, "upload": ("a b.png", content, "image/png")})

    form = parse(body, kind)

    assert form.fields == {name: value for name, value in fields.items() if name != "upload"}
    (file,) = form.files
    assert (file.name, file.type, file.content) == ("a b.png", "image/png", content)


def test_a_name_in_quotes_and_in_arabic_is_read_back():
    body = (
        'x\r\n--B\r\nContent-Disposition: form-data; name="file"; filename="%22ملف%22.pdf"\r\n\r\nhi\r\n--B--'
    )

    assert parse(body.encode(), "multipart/form-data; boundary=B").files[0].name == '"ملف".pdf'


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda count: "&".join(["a=1"] * count).encode(), URLENCODED),
        (
            lambda count: encode_multipart_formdata([("a", "1")] * count, "B")[0],
            "multipart/form-data; boundary=B",
        ),
    ],
    ids=["urlencoded", "multipart"],
)
def test_fields_are_counted_before_they_are_read(make, kind):
    assert parse(make(FORM_FIELDS.value), kind).fields == {"a": "1"}
    with pytest.raises(InputRefused) as refused:
        parse(make(FORM_FIELDS.value + 1), kind)
    assert refused.value.status == 400


def test_a_form_that_does_not_name_its_boundary_is_an_empty_one():
    assert (
        parse(b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--B--', "multipart/form-data")
        == Form()
    )


def test_a_boundary_that_is_everywhere_is_no_boundary():
    with pytest.raises(InputRefused):
        parse(b"-" * 1_000_000, 'multipart/form-data; boundary="-"')


def test_a_part_that_never_ends_its_description_is_left_out():
    head = "x" * PART_HEAD.value
    body = f'--B\r\nContent-Disposition: form-data; name="a"\r\nX: {head}\r\n\r\n1\r\n--B--\r\n'

    assert parse(body.encode(), "multipart/form-data; boundary=B").fields == {}


@given(st.binary(max_size=300), st.sampled_from([URLENCODED, "multipart/form-data; boundary=B", "", ";;="]))
def test_whatever_comes_is_a_form_or_refused(body, kind):
    try:
        found = parse(body, kind)
    except InputRefused as refused:
        status = refused.status
    else:
        status = 0
        assert all(isinstance(text, str) for pair in found.fields.items() for text in pair)
    assert status in (0, 400, 413)
