"""Where the Graph API and the database are."""

from __future__ import annotations

from pathlib import Path

import pytest

from handover_channel.settings.locations import GraphApiSettings, database, graph_api
from handover_channel.settings.section import Section

FOLDER = Path("/srv/shop bot")


def graph_api_and_problems(**values):
    section = Section("handover.yml", values, [], "graph_api")
    return graph_api(section), section.problems


def database_and_problems(url):
    section = Section("handover.yml", {"database": url}, [])
    return database(section, FOLDER), section.problems


def test_the_graph_api_is_metas_current_one():
    assert graph_api_and_problems() == (GraphApiSettings("https://graph.facebook.com", "v27.0"), [])


@pytest.mark.parametrize(
    "url",
    [
        "https://graph.facebook.com/",
        "http://127.0.0.1:8090",
        "http://localhost:1",
        "http://[::1]:8090/",
        "https://x/y",
    ],
)
def test_a_page_token_goes_over_https_or_stays_on_this_machine(url):
    settings, problems = graph_api_and_problems(url=url, version="v3.2")

    assert problems == []
    assert settings == GraphApiSettings(url.rstrip("/"), "v3.2")


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("graph.facebook.com", "write https://graph.facebook.com, or leave it out"),
        ("ftp://graph.facebook.com", "write https://graph.facebook.com, or leave it out"),
        ("https://", "write https://graph.facebook.com, or leave it out"),
        ("https://x:port", "write https://graph.facebook.com, or leave it out"),
        ("http://[::1", "write https://graph.facebook.com, or leave it out"),
        (
            "http://graph.facebook.com",
            "write https:// (http:// is for this machine only, as the page token goes along)",
        ),
        (
            "http://127.0.0.1.evil",
            "write https:// (http:// is for this machine only, as the page token goes along)",
        ),
        ("https://graph.facebook.com/v27.0", "leave the version out, it is a key of its own"),
        ("https://x?access_token=1", "leave out what follows the path"),
    ],
)
def test_any_other_url_is_refused_with_the_remedy(url, remedy):
    assert graph_api_and_problems(url=url)[1] == [f'handover.yml: graph_api.url is "{url}": {remedy}']


@pytest.mark.parametrize("version", ["26.0", "v26", "26", "latest", "v27.0/"])
def test_any_other_version_is_refused_with_the_remedy(version):
    problem = f'handover.yml: graph_api.version is "{version}": write it as "v27.0"'

    assert graph_api_and_problems(version=version)[1] == [problem]


@pytest.mark.parametrize(
    ("url", "absolute"),
    [
        (None, "sqlite:////srv/shop bot/handover.db"),
        ("sqlite:///data/h.db?timeout=5", "sqlite:////srv/shop bot/data/h.db?timeout=5"),
        ("sqlite:////var/h.db", "sqlite:////var/h.db"),
        ("sqlite+pysqlite:///h.db", "sqlite+pysqlite:////srv/shop bot/h.db"),
        ("sqlite:///file:h.db?uri=true", "sqlite:///file:h.db?uri=true"),
        ("postgresql://u:p@h/db", "postgresql://u:p@h/db"),
        ("postgresql+psycopg2://u:p@h/db?sslmode=require", "postgresql+psycopg2://u:p@h/db?sslmode=require"),
    ],
)
def test_a_relative_path_counts_from_the_folder_of_the_settings(url, absolute):
    assert database_and_problems(url) == (absolute, [])


@pytest.mark.parametrize(
    "url", ["mysql://u:s3cr3t@h/db", "postgres://u:s3cr3t@h/db", "s3cr3t.db", "sqlite:s3cr3t"]
)
def test_another_database_is_refused_without_repeating_its_password(url):
    assert database_and_problems(url)[1] == [
        "handover.yml: database is neither SQLite nor PostgreSQL: "
        "write sqlite:///handover.db or postgresql://user:password@host/name"
    ]


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite://handover.db"])
def test_a_database_that_is_no_file_would_not_survive_a_restart(url):
    assert database_and_problems(url)[1] == [
        "handover.yml: database names no file: write sqlite:///handover.db, with three slashes"
    ]
