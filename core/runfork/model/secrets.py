"""Leaving secrets out of what is recorded: by the name of a value, and by the form of a text. Pure.

One mask for all that is logged as a config, by the user or by itself: command lines, remotes, exceptions, what frameworks hand
over. Where a form leaves room for doubt it is masked: a harmless value costs a look elsewhere, a recorded secret costs a new one.
Names are taken at their word only for values that can be secrets, so that ``max_tokens`` and ``pad_token`` stay.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MASK = "****"
_STAND_IN = "runfork_mask"

# Names

_ALWAYS = frozenset(
    "accesskey accesstoken apikey apikeys apitoken authtoken credential credentials privatekey pwd secret secretkey secrets".split()
)
_PASSWORD = re.compile(r"passw(?:or)?ds?|passphrase|passcode|^pwd$|secrets?$")
_OWNERS_OF_KEYS = frozenset(
    "access account anthropic api auth aws azure client cohere comet deploy encryption gcp gemini github gitlab google hf hub"
    " huggingface license mlflow neptune nvidia openai private secret service signing ssh storage subscription wandb".split()
)
_OWNERS_OF_PASSES = frozenset("admin db ftp http mail mysql pg postgres proxy redis root smtp ssh sudo user".split())
_TOKENS_OF_TEXT = frozenset(
    "added audio begin blank bos boundary char class cls control decoder doc document dummy encoder end eod eos eot fim first"
    " image input label lang language last latent mask max middle min new next num output pad padding per placeholder pooling"
    " prefix previous prompt query register sep separator source special speech split start stop sub suffix target task text think"
    " trigger unk unknown video vision visual word".split()
)
"""What stands before ``token`` where it is one of a vocabulary."""

_ABOUT = frozenset(
    "column count dim dir directory enabled env expiry field file filename id ids index len length manager max method min mode name"
    " path paths policy provider ratio required scheme size ttl type url version".split()
)
"""Last words of names that say something about a secret, not what it is."""

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_NO_SECRETS = re.compile(
    r"(?:|none|null|true|false|yes|no|auto|default|env|\*+|\$.*|<.*>|\[[A-Z_ ]*\])", re.IGNORECASE | re.DOTALL
)

# Forms

_VALUE = r"""(?P<value>"[^"]*"|'[^']*'|[^\s,;&"'(){}\[\]]+)"""
_NAME = r"(?P<name>[A-Za-z_][\w.\-/]{0,100})"
_SCHEMES = r"(?:[Bb]earer\s+|[Bb]asic\s+)?"
_SCHEME = r"(?<![A-Za-z0-9+.\-])[A-Za-z][A-Za-z0-9+.\-]{0,30}://"
_URLS = re.compile(_SCHEME + r"[^\s\"'<>]*")
_NEXT_URL = re.compile(rf"(?={_SCHEME})")
_HAS_BAD_PORT = re.compile(r"[^/?#\s]*:(?!\d*(?:[/?#]|$))")
_URL_PARAMETER = re.compile(r"""(?<=[?&;])(?P<name>[\w.\-~%]{1,60})(?P<between>=)(?P<value>[^&#\s"'<>]+)""")
_SIGNING = frozenset(
    "awsaccesskeyid googleaccessid key key-pair-id policy sig signature token x-amz-credential x-amz-security-token"
    " x-amz-signature x-goog-credential x-goog-signature".split()
)
_WEBHOOK = re.compile(
    r"(?P<place>hooks\.slack\.com/(?:services|workflows)/|discord(?:app)?\.com/api/webhooks/)[\w\-/]+"
)
_OPTION = re.compile(rf"(?<![\w\-])-{{1,2}}{_NAME}(?P<between>\s+){_VALUE}")
_ASSIGNMENT = re.compile(rf"(?<![\w./]){_NAME}(?P<between>[\"']?\s*=(?!=)\s*{_SCHEMES}){_VALUE}")
_ENTRY = re.compile(rf"(?<=[{{,\"'])(?:(?<=[{{,])\s*)?{_NAME}(?P<between>[\"']?\s*:(?!//)\s*{_SCHEMES}){_VALUE}")
_HINT = re.compile(r"-p\s|pass|pw|pin|secret|token|key|auth|cred|bearer")
"""Some of it is in every name of a secret, in small letters: a text without any is not looked through for names."""
_SCHEMED = re.compile(r"\b([Bb]earer|[Aa]uthorization:\s*\w+)\s+[\w\-.=+/~]{8,}")
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,30}-----|\Z)", re.DOTALL)
_KNOWN_TOKENS = re.compile(
    r"""(?<![A-Za-z0-9])(?:
        hf_[A-Za-z0-9]{16,} | sk-[A-Za-z0-9_\-]{0,60}[A-Za-z0-9]{16,}[A-Za-z0-9_\-]* | gh[pousr]_[A-Za-z0-9]{16,}
        | github_pat_\w{16,} | gl(?:pat|dt|rt|cbt)-[\w\-]{16,} | xox[abeprs]-[\w\-]{10,} | xapp-[\w\-]{16,} | A[KS]IA[0-9A-Z]{16}
        | pypi-[\w\-]{16,} | npm_[A-Za-z0-9]{30,} | AIza[\w\-]{30,} | ya29\.[\w\-]{16,} | [rs]k_live_[A-Za-z0-9]{16,}
        | nvapi-[\w\-]{16,} | gsk_[A-Za-z0-9]{20,} | r8_[A-Za-z0-9]{20,} | dckr_pat_[\w\-]{16,} | wandb_v\d_\w{16,}
        | eyJ[\w\-]{8,300}\.[\w\-]+(?:\.[\w\-]*)? | eyJhcGlfYWRkcmVzcyI6[\w+/=\-]+
    )""",
    re.VERBOSE,
)


@lru_cache(maxsize=1024)
def is_secret_name(name: str) -> bool:
    """Return whether an option, variable or key of this name is likely to hold a secret.

    ``--api-key``, ``HF_TOKEN`` and ``db.password`` are; ``--tokenizer``, ``--max-tokens``, ``pad_token``, ``label_key`` and
    ``--token-file`` are not.
    """
    words = [word.lower() for word in _WORDS.findall(name.rpartition("/")[2])]
    if not words or words[-1] in _ABOUT:
        return False
    if any(word in _ALWAYS or _PASSWORD.search(word) for word in words):
        return True
    last, before = words[-1], words[-2] if len(words) > 1 else None
    if last == "token":
        return before not in _TOKENS_OF_TEXT
    if last in ("key", "keys"):
        return before in _OWNERS_OF_KEYS
    if last in ("pass", "pin", "pw"):
        return before is None or before in _OWNERS_OF_PASSES
    return last in ("auth", "authorization", "bearer")


def _covers(name: str) -> bool:
    """Return whether all that stands below a namespace of this name is secret; ``auth`` may have a method and a user."""
    return is_secret_name(name) and not name.lower().endswith(("auth", "authorization"))


def mask_config(path: str, plain: Any) -> Any:
    """Return a config value without what its path, the names within it, or its form say is a secret.

    Args:
        path: Its path.
        plain: The value, as `runfork.model.conversion.plain_value` returns it.
    """
    if type(plain) is float or plain is None or type(plain) is bool:
        return plain
    *above, name = path.split("/")
    is_secret = is_secret_name(name) or any(map(_covers, above))
    return _masked(plain, is_secret=is_secret, hides_numbers=_PASSWORD.search(name.lower()) is not None)


def _masked(plain: Any, *, is_secret: bool, hides_numbers: bool) -> Any:
    if type(plain) is str:
        return _masked_text(plain) if is_secret else mask_text(plain)
    if type(plain) is int:
        return MASK if is_secret and hides_numbers else plain
    if type(plain) is dict:
        return {
            key: _masked(
                value,
                is_secret=is_secret or (_covers if type(value) is dict else is_secret_name)(key),
                hides_numbers=hides_numbers or _PASSWORD.search(key.lower()) is not None,
            )
            for key, value in plain.items()
        }
    if type(plain) is list:
        if not is_secret and all(type(item) is str for item in plain):
            return list(_masked_arguments(plain))
        return [_masked(item, is_secret=is_secret, hides_numbers=hides_numbers) for item in plain]
    return plain


def _masked_text(text: str) -> str:
    """Return the text of a value whose name is that of a secret: masked, unless no secret is like that."""
    return mask_text(text) if _NO_SECRETS.fullmatch(text) else MASK


def mask_arguments(arguments: Sequence[str]) -> str:
    """Return a command line as one would type it, with the values of arguments that look like secrets masked."""
    import shlex

    # Quoting looks at what is masked, not at the asterisks.
    masked = [argument.replace(MASK, _STAND_IN) for argument in _masked_arguments(arguments)]
    return shlex.join(masked).replace(_STAND_IN, MASK)


def _masked_arguments(arguments: Iterable[str]) -> Iterator[str]:
    option = ""
    for argument in arguments:
        if option and not argument.startswith("--"):
            yield _masked_user(argument) if option == "-u" else MASK
            option = ""
            continue
        yield mask_text(argument)
        is_option = argument.startswith("-") and "=" not in argument
        option = argument if is_option and (argument in ("-p", "-u") or is_secret_name(argument)) else ""


def _masked_user(argument: str) -> str:
    """Return ``name:password`` without the password; anything else as it is."""
    user, colon, password = argument.partition(":")
    return f"{user}:{MASK}" if colon and password and not password.startswith("//") else mask_text(argument)


def mask_text(text: str) -> str:
    """Return `text` without what looks like a secret by its form.

    That is: credentials and signatures in URLs, values assigned to secret names, options and their values, authorization headers,
    private keys, and well-known kinds of tokens.
    """
    if "://" in text:
        text = _URL_PARAMETER.sub(_mask_parameter, without_credentials(text))
        text = _WEBHOOK.sub(rf"\g<place>{MASK}", text)
    if _HINT.search(text.lower()) is not None:  # to ignore the case would take twenty times as long
        text = _ENTRY.sub(_mask_assignment, _ASSIGNMENT.sub(_mask_assignment, text))
        text = _PRIVATE_KEY.sub(MASK, _OPTION.sub(_mask_option, text))
    text = _SCHEMED.sub(rf"\1 {MASK}", text)
    return _KNOWN_TOKENS.sub(MASK, text)


def _mask_parameter(found: re.Match[str]) -> str:
    name = found["name"]
    if name.lower() not in _SIGNING and not is_secret_name(name):
        return found[0]
    return f"{name}={MASK}"


def _mask_assignment(found: re.Match[str]) -> str:
    if not is_secret_name(found["name"]) or _NO_SECRETS.fullmatch(found["value"].strip("\"'")):
        return found[0]
    start = found.start("name") - found.start()
    return f"{found[0][:start]}{found['name']}{found['between']}{MASK}"


def _mask_option(found: re.Match[str]) -> str:
    is_hidden = found["name"] == "p" or is_secret_name(found["name"])
    if not is_hidden or found["value"].startswith("-") or _NO_SECRETS.fullmatch(found["value"].strip("\"'")):
        return found[0]
    return f"{found[0][: found.start('between') - found.start()]}{found['between']}{MASK}"


def without_credentials(text: str) -> str:
    """Return `text` with user names and passwords removed from the URLs in it.

    ``https://user:token@host/path`` becomes ``https://host/path``; of ``ssh://git@host`` the user stays, since it is no secret.
    """
    return _URLS.sub(lambda found: "".join(map(_without_credentials, _NEXT_URL.split(found[0]))), text)


def _without_credentials(url: str) -> str:
    before, at, host = url.rpartition("@")
    scheme, _, credentials = before.partition("://")
    if not at or not scheme:
        return url
    head, slash, rest = credentials.partition("/")
    if slash and "@" in head:
        return f"{scheme}://{head.rpartition('@')[2]}/{rest}@{host}"
    if slash and not _HAS_BAD_PORT.match(credentials):
        return url  # the @ is in the path
    user, colon, _ = credentials.partition(":")
    keeps_user = "ssh" in scheme and bool(colon or credentials)
    return f"{scheme}://{user}@{host}" if keeps_user and user else f"{scheme}://{host}"
