"""Who is calling, and what the key may do."""

import fnmatch

import msgspec


class Principal(msgspec.Struct, frozen=True):
    """An authenticated caller. `key_id` is the short public id of the key, never the key.

    `models` are allowlist names or globs; None admits every listed model. `private_only` keeps every request
    of this key on private providers.
    """

    key_id: str
    name: str
    team: str = ""
    models: tuple[str, ...] | None = None
    private_only: bool = False
    master: bool = False
    anonymous: bool = False

    def may_use(self, model: str) -> bool:
        """Whether this key may use a model of the allowlist."""
        return self.models is None or any(fnmatch.fnmatchcase(model, pattern) for pattern in self.models)
