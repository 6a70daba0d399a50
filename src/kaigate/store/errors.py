"""How a store fails, named by what the caller can conclude; messages name no key, value or password."""


class StoreError(Exception):
    """A store could not do what it was asked, and what was asked did not happen unless a subclass says otherwise."""


class StoreTimeout(StoreError):  # noqa: N818 (the family's name says error)
    """No answer in time; what was asked may have happened."""


class StoreUnavailable(StoreError):  # noqa: N818 (the family's name says error)
    """The store cannot be reached or cannot serve now; the same call may succeed later."""


class StoreRefused(StoreError):  # noqa: N818 (the family's name says error)
    """The store answered that it will not do this; asking again changes nothing."""
