from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import CHARACTERS, examples

from runfork.journal.format import Kind
from runfork.model.secrets import is_secret_name, mask_arguments, mask_config, mask_text, without_credentials
from runfork.testing.journals import configs_of, records_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from runfork import Run


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
        "hub_token",
        "use_auth_token",
        "client_secret",
        "authToken",
        "AWSSecretKey",
        "hparams/db/pwd",
        "private_key",
        "api_keys",
        "proxy_pass",
        "credentials",
    ],
)
def test_name_of_a_secret_is_known(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("--tokenizer", "--max-tokens", "key_dim", "--token-file", "monkey", "--keyboard", "lr", "--secret-name", ""),
        *("max_tokens", "num_tokens", "max_new_tokens", "token_type_ids", "eos_token_id", "tokens", "token_dropout"),
        *("pad_token", "bos_token", "unk_token", "decoder_start_token", "image_token", "language_token"),
        *("key", "keys", "label_key", "image_key", "sort_keys", "primary_key", "key_padding_mask", "num_pass"),
        *("render_pass", "password_file", "secret_id", "author", "authors", "compass", "secretary_name", "bypass"),
    ],
)
def test_name_of_no_secret_is_let_be(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["train.py", "--lr", "1e-3", "--tokenizer", "gpt2"], "train.py --lr 1e-3 --tokenizer gpt2"),
        (["--api-key", "abc", "--lr", "1"], "--api-key **** --lr 1"),
        (["--token", "-abc"], "--token ****"),
        (["mysql", "-u", "me:pass", "-p", "pass", "db"], "mysql -u me:**** -p **** db"),
        (["x.py", "+db.password=abc", "++hub.token=abc"], "x.py +db.password=**** ++hub.token=****"),
        (
            ["x.py", "https://b/k?X-Amz-Signature=abc&X-Amz-Date=1"],
            "x.py 'https://b/k?X-Amz-Signature=****&X-Amz-Date=1'",
        ),
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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgres://me:pass@host/db", "postgres://host/db"),
        ("a://u:p@h,b://u:p@h", "a://h,b://h"),
        (
            "https://b.s3.amazonaws.com/k?X-Amz-Date=1&X-Amz-Signature=abc",
            "https://b.s3.amazonaws.com/k?X-Amz-Date=1&X-Amz-Signature=****",
        ),
        ("https://a.blob.core.windows.net/c?sv=2&sig=a%2Fb", "https://a.blob.core.windows.net/c?sv=2&sig=****"),
        ("https://h/x?api_key=abc&page=2", "https://h/x?api_key=****&page=2"),
        ("https://hooks.slack.com/services/T0/B0/abc", "https://hooks.slack.com/services/****"),
        ("mysql -u root -p hunter2 db", "mysql -u root -p **** db"),
        ("train.py --password hunter2 --lr 1", "train.py --password **** --lr 1"),
        ("train.py --max-tokens 5 --pad-token x", "train.py --max-tokens 5 --pad-token x"),
        ("host=db user=me password=hunter2", "host=db user=me password=****"),
        ("Server=db;Password=hunter2;Port=1", "Server=db;Password=****;Port=1"),
        ("db={user: me, password: hunter2}", "db={user: me, password: ****}"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic ****"),
        ("a Basic convolution of eight channels", "a Basic convolution of eight channels"),
        ("sk-learn-pipeline-v2-final-model", "sk-learn-pipeline-v2-final-model"),
        ("sk-ant-api03-abcdefghijklmnopqrstuv", "****"),
        ("use AKIAABCDEFGHIJKLMNOP now", "use **** now"),
        ("x -----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY----- y", "x **** y"),
        ("Secret: the answer to the question", "Secret: the answer to the question"),
        ("token == other, key=value", "token == other, key=value"),
        ("password=${oc.env:PASSWORD}", "password=${oc.env:PASSWORD}"),
        ("epoch=3-step=10.ckpt", "epoch=3-step=10.ckpt"),
        ("https://host:8080/a@b", "https://host:8080/a@b"),
    ],
)
def test_secrets_are_masked_by_their_form(text: str, expected: str) -> None:
    assert expected == mask_text(text)


@pytest.mark.parametrize(
    "text", ["a", "a=", "://", "a://", "a://@", '"', "-", "-a ", "{a:", "eyJ-", "sk-", "=", " ", 'a:"']
)
def test_much_of_anything_is_masked_in_a_moment(text: str) -> None:
    begun = time.process_time()
    mask_text(text * (2**18 // len(text)))

    assert time.process_time() - begun < 5


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("hub_token", "abc", "****"),
        ("db/password", 123456, "****"),
        ("secrets/wandb", "abc", "****"),
        ("use_auth_token", True, True),
        ("hub_token", None, None),
        ("hub_token", "", ""),
        ("hub_token", "<HUB_TOKEN>", "<HUB_TOKEN>"),
        ("api_key", "${oc.env:KEY}", "${oc.env:KEY}"),
        ("mask_token", "[MASK]", "[MASK]"),
        ("token", "[PAD]", "[PAD]"),
        ("token", 5, 5),
        ("max_tokens", 512, 512),
        ("tokenizer", "gpt2", "gpt2"),
        ("label_key", "target", "target"),
        ("secret_ratio", 0.5, 0.5),
        ("api_keys", ["a", "b"], ["****", "****"]),
        (
            "argv",
            ["train.py", "--password", "x", "-p", "y", "-u", "me:z"],
            ["train.py", "--password", "****", "-p", "****", "-u", "me:****"],
        ),
        ("dbs", [{"password": "x", "host": "h"}], [{"password": "****", "host": "h"}]),
        ("notes", "https://me:x@h", "https://h"),
        ("auth/method", "oauth", "oauth"),
        (
            "services",
            [{"auth": {"method": "oauth", "password": "x"}}],
            [{"auth": {"method": "oauth", "password": "****"}}],
        ),
    ],
)
def test_configs_are_masked_by_name_and_by_form(path: str, value: Any, expected: Any) -> None:
    assert expected == mask_config(path, value)


NAMES = [
    "password",
    "hub_token",
    "api_key",
    "AWS_SECRET_ACCESS_KEY",
    "clientSecret",
    "auth_token",
    "passphrase",
    "wandb_key",
]
FORMS = [
    lambda secret, name: {name: secret},
    lambda secret, name: {"a": {"b": {name: secret}}},
    lambda secret, name: {"a": [{name: secret}, 1]},
    lambda secret, name: {name: [secret, secret]},
    lambda secret, name: {name: {"x": [secret]}},
    lambda secret, name: {"argv": ["x.py", f"--{name}", secret]},
    lambda secret, name: {"argv": ["x.py", f"--{name}={secret}"]},
    lambda secret, name: {"command": f"x.py --{name} {secret} --lr 1"},
    lambda secret, name: {"command": f"x.py -p {secret} --lr 1"},
    lambda secret, name: {"override": f"+db.{name}={secret}"},
    lambda secret, name: {"text": f'{{"{name}": "{secret}", "lr": 1}}'},
    lambda secret, name: {"url": f"https://user:{secret}@host/path"},
    lambda secret, name: {"url": f"https://host/path?{name}={secret}&x=1"},
    lambda secret, name: {"urls": [f"https://host/path?X-Amz-Signature={secret}"]},
    lambda secret, name: {"header": {"Authorization": f"Bearer {secret}"}},
    lambda secret, name: {"args": argparse.Namespace(**{name.lower(): secret, "lr": 1})},
]


def test_no_secret_reaches_the_journal(run: Run, tried: Any) -> None:
    secrets: list[str] = []

    @examples(100)
    @given(
        st.text("abcdefghjkmnpqrstuvwxyz23456789", min_size=12, max_size=40).filter(lambda text: not text.isalpha()),
        st.sampled_from(NAMES),
        st.sampled_from(FORMS),
    )
    def holds(secret: str, name: str, form: Callable[[str, str], dict[str, Any]]) -> None:
        secrets.append(f"Q{secret}")
        run.log_configs({str(len(secrets)): form(secrets[-1], name)})

    holds()
    run.log_configs({"args": argparse.Namespace(token="secret", lr=1)})
    path = run.journal.path
    assert path is not None
    written = path.read_text("latin-1")
    assert [secret for secret in secrets if secret in written] == []
    assert "args/lr" in written
    tried(
        "secrets under names and in forms that give them away, as configs",
        times=len(secrets),
        outcome="none in the journal",
    )


def test_what_an_exception_says_is_masked(run: Run) -> None:
    run.set_status("failed", ConnectionError("no answer from https://me:hunter2@host/x"))

    assert "hunter2" not in str([record.body for record in records_of(run.directory, Kind.STATUS)])
    assert "hunter2" not in configs_of(run.directory)["sys/exception"]


def test_tokens_in_a_query_are_masked() -> None:
    assert "https://host/x?access_token=****&y=1" == mask_text("https://host/x?access_token=abc&y=1")


@given(st.lists(st.text(CHARACTERS, max_size=20), max_size=6))
def test_any_command_line_is_survived(arguments: list[str]) -> None:
    assert isinstance(mask_arguments(arguments), str)
