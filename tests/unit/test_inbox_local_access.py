from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handover_channel.inbox.local_access import (
    ELSEWHERE,
    HOST,
    PROXY,
    network,
    own_port,
    same_site,
    why_not_this_machine,
)

OF_A_BROWSER = ["Host", "User-Agent", "Accept", "Cookie", "Sec-Fetch-Site", "X-CSRF-Token", "HX-Request"]
LOCAL_HOSTS = {"localhost", "127.0.0.1", "[::1]"}


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", ["localhost", "LocalHost:5005", "127.0.0.1:5005", "[::1]:5005", "[::1]"])
def test_a_browser_on_this_machine_is_known(address, host):
    assert why_not_this_machine(address, host, OF_A_BROWSER) == ""


@pytest.mark.parametrize(
    "address",
    ["192.168.1.7", "10.0.0.1", "172.17.0.1", "8.8.8.8", "0.1.2.3", "::", "fe80::1", "::ffff:10.0.0.1", "",
     "localhost", "127.1", "127.0.0.1, 8.8.8.8", "2130706433", "0x7f.0.0.1", "unix"],
)  # fmt: skip
def test_any_other_address_is_elsewhere(address):
    assert why_not_this_machine(address, "localhost:5005", OF_A_BROWSER) == ELSEWHERE


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "evil.example:5005", "localhost.evil.example", "127.0.0.1.evil.example",
     "localhost.", "localhost:", "localhost:5005.evil", "evil@localhost", "localhost\n", "127.0.0.2",
     "[::1", "::1", "0.1.2.3", "localhost:5005,evil.example", "localhost:٥٠٠٥", "ⓛocalhost",
     "[::ffff:127.0.0.1]", " localhost"],
)  # fmt: skip
def test_a_name_that_only_means_this_machine_is_not_enough(host):
    assert why_not_this_machine("127.0.0.1", host, OF_A_BROWSER) == HOST


@pytest.mark.parametrize(
    "header",
    ["Forwarded", "X-Forwarded-For", "x-forwarded-host", "X-Forwarded-Proto", "X-FORWARDED-SERVER",
     "X_Forwarded_For", "X-Real-IP", "Via", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP", "CF-Ray",
     "X-Cluster-Client-IP", "X-Original-Forwarded-For", "X-Original-Host", "X-Envoy-External-Address",
     "Client-IP", "X-Amzn-Trace-Id", "X-ProxyUser-IP", "Fastly-Client-IP", "CDN-Loop", " Via "],
)  # fmt: skip
def test_behind_a_proxy_nobody_is_at_this_machine(header):
    assert why_not_this_machine("127.0.0.1", "localhost", [*OF_A_BROWSER, header]) == PROXY


#: Made of what a judge of host names trips over.
_PARTS = ["localhost", "127.0.0.1", "[::1]", "[", "]", "::1", ":", ":5005", "@", ".", "evil", "/", "\n", " "]
HOSTS = st.lists(st.sampled_from(_PARTS), max_size=4).map("".join)


@given(st.text(max_size=30) | HOSTS, HOSTS, st.lists(st.text(max_size=20), max_size=5))
def test_whatever_is_sent_only_loopback_and_a_local_name_pass(address, host, headers):
    if why_not_this_machine(address, host, headers) == "":
        assert address.startswith(("127.", "::1", "::ffff:127."))
        assert any(host.lower().startswith(local) for local in LOCAL_HOSTS)


@given(HOSTS)
def test_whatever_host_is_sent_its_name_is_one_of_three(host):
    if why_not_this_machine("127.0.0.1", host, []) == "":
        assert host.removesuffix(":5005") in LOCAL_HOSTS


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::9", "2001:db8:1:2::/64"),
        ("nonsense\n", "unknown"),
        ("", "unknown"),
    ],
)
def test_visitors_are_counted_by_their_line_not_by_their_device(address, counted):
    assert network(address) == counted


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://localhost:5005", "localhost:5005"),
        ("http://LOCALHOST:5005", "localhost:5005"),
        ("https://inbox.example", "inbox.example"),
        ("https://inbox.example", "inbox.example:443"),
        ("http://inbox.example:80", "inbox.example"),
        ("https://inbox.example:8443", "inbox.example:8443"),
        ("http://[::1]:5005", "[::1]:5005"),
        ("https://inbox.example/webhooks/inbox/thread/1?list=mine", "inbox.example"),  # a Referer
    ],
)
def test_a_page_of_this_server_is_known_by_its_origin(origin, host):
    assert same_site(origin, host)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("", "inbox.example"),
        ("", ""),
        ("null", "inbox.example"),
        ("null", "null"),
        ("https://evil.example", "inbox.example"),
        ("https://inbox.example.evil.example", "inbox.example"),
        ("https://evilinbox.example", "inbox.example"),
        ("https://inbox.example:8443", "inbox.example"),
        ("http://localhost:5006", "localhost:5005"),
        ("http://127.0.0.1:5005", "localhost:5005"),
        ("https://inbox.example@evil.example", "inbox.example"),
        ("https://evil.example@inbox.example", "inbox.example"),
        ("https://evil.example#inbox.example", "inbox.example"),
        ("https://evil.example\\@inbox.example", "inbox.example"),
        ("file://inbox.example", "inbox.example"),
        ("//inbox.example", "inbox.example"),
        ("inbox.example", "inbox.example"),
        ("https://", ""),
        ("https://[", "["),
        ("https://inbox.example:99999", "inbox.example:99999"),
        ("https://inbox.example:x", "inbox.example:x"),
    ],
)
def test_any_other_origin_is_another_site(origin, host):
    assert not same_site(origin, host)


@given(st.text(max_size=60) | HOSTS.map("http://".__add__), st.text(max_size=30) | HOSTS)
def test_whatever_origin_is_sent_is_judged(origin, host):
    assert isinstance(same_site(origin, host), bool)


@given(st.from_regex(r"https?://[a-z@:/.#?\\]{1,20}inbox\.example", fullmatch=True))
def test_no_origin_before_or_around_ours_passes_for_it(origin):
    if same_site(origin, "inbox.example"):
        assert origin.split("//", 1)[1].split("/")[0] == "inbox.example"


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("127.0.0.1:5005", "5005"),
        ("LOCALHOST:5015", "5015"),
        ("[::1]:80", "80"),
        ("localhost", ""),
        ("help.example.com:8443", ""),
        ("", ""),
        ("localhost:5005.example.com", ""),
    ],
)
def test_inboxes_of_one_machine_are_told_apart_by_their_ports(host, port):
    assert own_port(host) == port
