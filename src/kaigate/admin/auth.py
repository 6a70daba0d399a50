"""Who calls the administration API, and how its answers say no: the same grammar as on the API port."""

import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, Protocol, cast

import msgspec
from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from starlette.types import Message, Receive

from kaigate.errors import AccessDeniedError, ErrorCode, GatewayError, RequestInvalidError, UnavailableError
from kaigate.keys.bearer import find
from kaigate.keys.directory import KeyDirectory
from kaigate.keys.grants import RANK
from kaigate.keys.jwt import JwtVerifier
from kaigate.keys.keyring import Keyring
from kaigate.keys.record import rights_of
from kaigate.keys.throttle import FailureThrottle
from kaigate.pipeline.principal import Principal
from kaigate.store.errors import StoreError
from kaigate.surfaces.openai_error import error_body

log = logging.getLogger("kaigate.admin")

MAX_BODY_BYTES: Final = 65_536
Authenticate = Callable[[Request], Awaitable[Principal]]
Handler = Callable[[Request], Coroutine[Any, Any, Response]]
# Only for the description: the key itself is read by `Authenticator`.
BEARER: Final = HTTPBearer(
    auto_error=False,
    description="The master key, or a key or a provider's token with an administrative role.",
)
_REMEDY: Final = "Send it as 'Authorization: Bearer <key>'."
_STATUS_CODES: Final[dict[int, ErrorCode]] = {
    404: "route_not_found",
    405: "method_not_allowed",
    413: "request_too_large",
}


class Admission(Protocol):
    """Who is let in by one configuration."""

    @property
    def keyring(self) -> Keyring:
        """The master key."""
        ...

    @property
    def tokens(self) -> JwtVerifier | None:
        """Tokens of an identity provider; None where none are accepted."""
        ...

    @property
    def throttle(self) -> FailureThrottle:
        """Failures of every port, per client address."""
        ...


class Authenticator:
    """Finds the caller of an administrative request: the master key, or a virtual key or a token with a role.

    A failure is final and counted per client address. `in_force` gives what the present configuration admits.
    """

    __slots__ = ("_directory", "_in_force")

    def __init__(self, in_force: Callable[[], Admission], directory: KeyDirectory) -> None:
        self._in_force = in_force
        self._directory = directory

    async def __call__(self, request: Request) -> Principal:
        """The caller; raises `AccessDeniedError`, or `LimitExceededError` after too many failures."""
        # Here the peer is held responsible: nothing that a client may write is believed on this port.
        address = request.client.host if request.client is not None else ""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise AccessDeniedError("invalid_api_key", f"No API key was sent. {_REMEDY}")
        # Header values are latin-1 in ASGI; a key with anything but ASCII in it is refused by its shape.
        caller = await self._find(token.strip().encode("latin-1"), address)
        if caller is None:
            self._in_force().throttle.failed(address)
            raise AccessDeniedError("invalid_api_key", f"This API key is not valid here. {_REMEDY}")
        if RANK[rights_of(caller).role] < RANK["viewer"]:
            raise AccessDeniedError("route_not_allowed", "This key has no administrative role.")
        return caller

    async def _find(self, token: bytes, address: str) -> Principal | None:
        admission = self._in_force()
        caller = admission.keyring.authenticate(token)
        if caller is not None:
            return caller
        tokens = admission.tokens
        found = find(token, address, self._directory, tokens)
        caller = found if found is None or isinstance(found, Principal) else await found
        if caller is not None and tokens is not None and tokens.lasting_grants and tokens.looks_like_jwt(token):
            # The end of a token bounds what it grants, unless the configuration trusts the role beyond it.
            return msgspec.structs.replace(caller, expires_at=None)
        return caller


def admin_route(authenticate: Authenticate) -> type[APIRoute]:
    """A route that knows its caller before it reads the body, bounds the body, and refuses in OpenAI's grammar."""

    class AdminRoute(APIRoute):
        def get_route_handler(self) -> Handler:
            handler = super().get_route_handler()

            async def handle(request: Request) -> Response:
                try:
                    request.state.caller = await authenticate(request)
                    response = await handler(Request(request.scope, _bounded(request.receive)))
                except (GatewayError, StoreError, RequestValidationError, HTTPException) as error:
                    response = refusal(error)
                # Some answers hold a new secret, all of them are nobody else's business.
                response.headers["cache-control"] = "no-store"
                return response

            return handle

    return AdminRoute


def caller_of(request: Request) -> Principal:
    """The caller that an `admin_route` has found."""
    return cast("Principal", request.state.caller)


def refusal(error: GatewayError | StoreError | RequestValidationError | HTTPException) -> Response:
    """An error in OpenAI's grammar, with `Retry-After` where waiting helps. Values of the request are not repeated."""
    told = _told(error)
    headers = {} if told.retry_after is None else {"retry-after": str(max(1, round(told.retry_after + 0.5)))}
    if told.status == 401:
        headers["www-authenticate"] = "Bearer"
    return Response(error_body(told), told.status, headers, media_type="application/json")


def _told(error: GatewayError | StoreError | RequestValidationError | HTTPException) -> GatewayError:
    if isinstance(error, GatewayError):
        return error
    if isinstance(error, StoreError):
        log.warning("administration: %s", error)
        return UnavailableError("store_unavailable", "The database can't do this now. Try again.", retry_after=1)
    if isinstance(error, HTTPException):
        code = _STATUS_CODES.get(error.status_code, "invalid_request")
        return RequestInvalidError(code, "This request can't be read.")
    problem = error.errors()[0]
    param = ".".join(str(step) for step in problem["loc"] if step not in {"body", "query", "path"}) or None
    return RequestInvalidError("invalid_request", f"{param or 'body'}: {problem['msg']}.", param=param)


def _bounded(receive: Receive) -> Receive:
    size = 0

    async def bounded() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > MAX_BODY_BYTES:
            raise HTTPException(413)
        return message

    return bounded
