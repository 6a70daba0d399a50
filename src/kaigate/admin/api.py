"""The administration application: FastAPI, off the hot path."""

from dataclasses import dataclass
from typing import Any, Literal

from fastapi import FastAPI, Request, Response
from fastapi_offline import FastAPIOffline
from pydantic import BaseModel

from kaigate import __version__
from kaigate.admin.auth import Authenticator, refusal
from kaigate.admin.keys import keys_router
from kaigate.admin.openapi import description, merged
from kaigate.admin.teams import teams_router
from kaigate.admin.usage import usage_router
from kaigate.errors import GatewayError
from kaigate.keys.service import KeyService
from kaigate.ledger.reports import Reports


async def _refused(_request: Request, error: Exception) -> Response:
    if not isinstance(error, GatewayError):
        raise error
    return refusal(error)


class Health(BaseModel):
    """The administration port's own health."""

    status: Literal["healthy"] = "healthy"


@dataclass(frozen=True, slots=True)
class Administration:
    """What the routes under `/admin/v1` work on."""

    keys: KeyService
    reports: Reports
    authenticate: Authenticator


def admin_app(administration: Administration | None = None) -> FastAPI:
    """The ASGI application of the administration port; without `administration` it has documentation only.

    `/docs` and `/openapi.json` describe the API port. Their scripts come with the package: a page that loads code
    from elsewhere has no place beside administration, and an air-gapped cluster has no elsewhere.
    """
    app: FastAPI = FastAPIOffline(title="kaigate", version=__version__, redoc_url=None)

    @app.get("/health", include_in_schema=False)
    def health() -> Health:
        return Health()

    if administration is not None:
        authenticate = administration.authenticate
        app.include_router(keys_router(administration.keys, authenticate))
        app.include_router(teams_router(administration.keys.teams, authenticate))
        app.include_router(usage_router(administration.reports, authenticate))
        app.add_exception_handler(GatewayError, _refused)
    own = app.openapi

    def openapi() -> dict[str, Any]:
        return merged(description(), own())

    app.openapi = openapi  # type: ignore[method-assign]
    return app
