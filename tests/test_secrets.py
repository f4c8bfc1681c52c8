from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runfork.capture.secrets import is_secret_name, mask_arguments, mask_text, without_credentials


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://user:token@host/a/b.git", "https://host/a/b.git"),
        ("https://token@host/x", "https://host/x"),
        ("https://user:p@ss@host/x", "https://host/x"),
        ("https://user:pa/ss@host/x", "https://host/x"),
        ("https://user:token@host:8443/a@b", "https://host:8443/a@b"),
        ("ssh://git@host:22/x", "ssh://git@host:22/x"),
        ("ssh://git:secret@host/x", "ssh://git@host/x"),
        ("git@github.com:owner/repo.git", "git@github.com:owner/repo.git"),
        ("https://host/package@v1", "https://host/package@v1"),
        ("https://host:8080/a@b", "https://host:8080/a@b"),
        ("/srv/git/a@b.git", "/srv/git/a@b.git"),
        ("postgres://u:p@db/x and redis://:p@cache", "postgres://db/x and redis://cache"),
    ],
)
def test_credentials_are_removed_from_urls(url: str, expected: str) -> None:
    assert expected == without_credentials(url)


@given(
    st.text(alphabet="abcXYZ019-._~%!$*", min_size=1, max_size=12),
    st.text(alphabet="abcXYZ019-._~%!$*:@", min_size=1, max_size=12),
)
def test_no_password_survives_in_a_url(user: str, password: str) -> None:
    assert "https://host.org/path" == without_credentials(f"https://{user}:{password}@host.org/path")


@pytest.mark.parametrize(
    "name",
    [
        "--api-key",
        "HF_TOKEN",
        "db.password",
        "--wandb_key",
        "apiKey",
        "AWS_SECRET_ACCESS_KEY",
        "auth_token",
        "--passwd",
        "token",
    ],
)
def test_name_of_a_secret_is_known(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    ["--tokenizer", "--max-tokens", "key_dim", "--token-file", "monkey", "--keyboard", "lr", "--secret-name", ""],
)
def test_name_of_no_secret_is_let_be(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["train.py", "--lr", "1e-3", "--tokenizer", "gpt2"], "train.py --lr 1e-3 --tokenizer gpt2"),
        (["--api-key", "abc", "--lr", "1"], "--api-key **** --lr 1"),
        (["--token", "-abc"], "--token ****"),
        (["--password", "--verbose"], "--password --verbose"),
        (["--token=abc", "x"], "--token=**** x"),
        (["hub.token=abc", "model.key_dim=64"], "hub.token=**** model.key_dim=64"),
        (["-c", 'f(password="hunter 2", lr=1)'], "-c 'f(password=****, lr=1)'"),
        (['{"api_key": "abc", "lr": 1}'], """'{"api_key": ****, "lr": 1}'"""),
        (["-H", "Authorization: Bearer abcdefghijkl"], "-H 'Authorization: Bearer ****'"),
        (["https://u:p@h/x"], "https://h/x"),
        (["hf_abcdefghijklmnopqrst"], "****"),
        (["a b", "c'd"], """'a b' 'c'"'"'d'"""),
    ],
)
def test_secrets_are_masked_in_a_command_line(arguments: list[str], expected: str) -> None:
    assert expected == mask_arguments(arguments)


def test_tokens_in_a_query_are_masked() -> None:
    assert "https://host/x?access_token=****&y=1" == mask_text("https://host/x?access_token=abc&y=1")


@given(st.lists(st.text(max_size=20), max_size=6))
def test_any_command_line_is_survived(arguments: list[str]) -> None:
    assert isinstance(mask_arguments(arguments), str)
