"""Providers out of the `litellm_params` of LiteLLM deployments: equal ones become one, secrets become references."""

import re
from collections.abc import Mapping
from typing import Any, Final

from kaigate.config.aws_region import region_in
from kaigate.config.aws_settings import REGION_VARIABLES
from kaigate.config.check_providers import url_problem
from kaigate.config.litellm_notes import Section
from kaigate.config.litellm_vendors import Meaning, base_url
from kaigate.config.provider_types import ProviderTypes

ENVIRONMENT: Final = "os.environ/"
_ENV_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_REGION: Final = re.compile(r"[a-z0-9]{1,16}(-[a-z0-9]{1,16}){1,4}")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_NO_KEY: Final = frozenset(
    ("none", "empty", "dummy", "fake", "fake-key", "no-key", "not-needed", "na", "n/a", "anything")
)
_AWS: Final = {
    "aws_access_key_id": "access_key_id",
    "aws_secret_access_key": "secret_access_key",
    "aws_session_token": "session_token",
}
_REGIONS: Final = ("AWS_REGION_NAME", *REGION_VARIABLES)
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
_SECRET_HEADER: Final = re.compile(r"(?i)auth|key|token|secret|cookie|password|credential")


class Environment:
    """Variables of the environment: their values while importing, and the names given to what was literal."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = env
        self._named: dict[str, str] = {}
        self.needed: dict[str, str] = {}

    def reference(self, section: Section, name: str, variable: str) -> str | None:
        """`env:NAME` for the secret in `name`, None where there is none; a literal one is given a name."""
        value = section.text(name)
        if value is None:
            return None
        if value.startswith(ENVIRONMENT):
            wanted = value.removeprefix(ENVIRONMENT)
            if not _ENV_NAME.fullmatch(wanted):
                section.notes.dropped(section.at(name), "names no environment variable")
                return None
            section.notes.carried(section.at(name), f"env:{wanted}")
        else:
            wanted = self._literal(value, variable)
            section.notes.changed(
                section.at(name),
                f"env:{wanted}: the secret itself is not written into a file; put it into this variable, and replace "
                "it if the old file was ever shared",
            )
        self.needed[wanted] = f"env:{wanted}"
        return f"env:{wanted}"

    def need(self, variable: str) -> str:
        """A reference to a variable that LiteLLM looked up by itself."""
        self.needed[variable] = f"env:{variable}"
        return f"env:{variable}"

    def _literal(self, value: str, variable: str) -> str:
        if value not in self._named:
            taken = {*self._named.values(), *self.needed}
            number, wanted = 1, variable
            while wanted in taken:
                number += 1
                wanted = f"{variable}_{number}"
            self._named[value] = wanted
        return self._named[value]

    def plain(self, section: Section, name: str) -> str | None:
        """A text that may stand in a variable, which is read now; None where it is not set."""
        value = section.text(name)
        if value is None or not value.startswith(ENVIRONMENT):
            return value
        variable = value.removeprefix(ENVIRONMENT)
        found = self.env.get(variable, "").strip()
        if not found:
            section.notes.dropped(
                section.at(name),
                f"stands in the variable {_shown(variable)}, which is not set here: import again with it",
            )
            return None
        section.notes.changed(section.at(name), f"the present value of the variable {_shown(variable)} was written out")
        return found


def _shown(variable: str) -> str:
    return variable if _ENV_NAME.fullmatch(variable) else "(no name of a variable)"


class ProviderTable:
    """The providers so far; the same parameters give the same provider."""

    def __init__(self, types: ProviderTypes, environment: Environment) -> None:
        self._types = types
        self._environment = environment
        self.rows: dict[str, dict[str, Any]] = {}

    def provider(self, meaning: Meaning, params: Section) -> str | None:
        """The name of the provider of a deployment; None, with a note, where it can't be called."""
        row: dict[str, Any] = {"type": meaning.vendor.type}
        if not self._address(row, meaning, params):
            return None
        if meaning.vendor.type == "bedrock":
            if not self._aws(row, meaning, params):
                return None
        else:
            self._key(row, meaning, params)
        for name in ("api_version", "organization"):
            value = self._environment.plain(params, name)
            if value is not None:
                row[name] = value
                params.notes.carried(params.at(name), f"providers.<name>.{name}")
        headers = _headers(params)
        if headers:
            row["headers"] = headers
        if params.flag("drop_params"):
            row["drop_params"] = True
            params.notes.carried(params.at("drop_params"), "providers.<name>.drop_params")
        return self._named(row)

    def _named(self, row: dict[str, Any]) -> str:
        for name, known in self.rows.items():
            if known == row:
                return name
        number, name = 1, str(row["type"]).replace("_", "-")
        first = name
        while name in self.rows:
            number += 1
            name = f"{first}-{number}"
        self.rows[name] = row
        return name

    def _address(self, row: dict[str, Any], meaning: Meaning, params: Section) -> bool:
        name = next((each for each in ("api_base", "base_url", "aws_bedrock_runtime_endpoint") if each in params), None)
        given = None if name is None else self._environment.plain(params, name)
        kind = meaning.vendor.type
        if name is not None and given is not None:
            url = base_url(kind, given)
            wrong = url_problem(url)
            if wrong is not None:
                params.notes.dropped(params.at(name), f"the address {wrong}")
                return False
            told = params.notes.carried if url == given.rstrip("/") else params.notes.changed
            told(
                params.at(name),
                "providers.<name>.base_url" + ("" if url == given.rstrip("/") else ", without its path"),
            )
            row["base_url"] = url
        elif name is not None:
            return False
        elif meaning.vendor.base_url is not None:
            row["base_url"] = meaning.vendor.base_url
        elif kind != "bedrock" and (self._types.get(kind) is None or self._types[kind].base_url is None):
            params.notes.dropped(params.path, f"has no api_base, which providers of type {kind} need")
            return False
        return True

    def _key(self, row: dict[str, Any], meaning: Meaning, params: Section) -> None:
        value = params.text("api_key")
        if value is not None and value.lower() in _NO_KEY:
            params.notes.changed(params.at("api_key"), "says that there is no key, and was left out")
            return
        kind = str(row["type"]).upper()
        reference = self._environment.reference(params, "api_key", f"{kind}_API_KEY")
        if reference is None and value is None and meaning.vendor.key is not None:
            reference = self._environment.need(meaning.vendor.key)
            params.notes.changed(params.path, f"has no api_key: {reference}, where LiteLLM looks for it")
        if reference is not None:
            row["api_key"] = reference

    def _aws(self, row: dict[str, Any], meaning: Meaning, params: Section) -> bool:
        aws: dict[str, Any] = {}
        region = self._environment.plain(params, "aws_region_name") or meaning.region
        region = region or next((value for name in _REGIONS if (value := self._environment.env.get(name))), None)
        if region is not None and _REGION.fullmatch(region):
            aws["region"] = region
            if "aws_region_name" in params:
                params.notes.carried(params.at("aws_region_name"), "providers.<name>.aws.region")
        elif region is not None:
            params.notes.dropped(params.at("aws_region_name"), "is no region")
        if not aws and region_in(row.get("base_url", "")) is None:
            params.notes.dropped(params.path, "names no region: import again with AWS_REGION in the environment")
            return False
        profile = self._environment.plain(params, "aws_profile_name")
        keys = [name for name in _AWS if name in params]
        if profile is not None and _NAME.fullmatch(profile):
            aws["profile"] = profile
            params.notes.carried(params.at("aws_profile_name"), "providers.<name>.aws.profile")
            for name in keys:
                params.notes.dropped(params.at(name), "there is a profile already")
        elif {"aws_access_key_id", "aws_secret_access_key"} <= set(keys):
            for name in keys:
                aws[_AWS[name]] = self._environment.reference(params, name, name.upper())
        if aws:
            row["aws"] = {name: value for name, value in aws.items() if value is not None}
        return True


def _headers(params: Section) -> dict[str, str]:
    found: dict[str, str] = {}
    if "extra_headers" not in params:
        return found
    given = Section(params.raw("extra_headers"), params.at("extra_headers"), params.notes)
    for name in given:
        value = given.text(name)
        if value is None:
            continue
        if _SECRET_HEADER.search(name) or value.startswith(ENVIRONMENT):
            params.notes.dropped(given.at(name), "may hold a credential: use api_key")
        elif _HEADER_NAME.fullmatch(name) and value.isascii() and value.isprintable():
            found[name] = value
            params.notes.carried(given.at(name), "providers.<name>.headers")
        else:
            params.notes.dropped(given.at(name), "is no header")
    return found
