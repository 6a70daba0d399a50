"""The administration application: FastAPI, off the hot path."""

from typing import Any, Literal

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from pydantic import BaseModel

from kaigate import __version__
from kaigate.admin.openapi import description


class Health(BaseModel):
    """The administration port's own health."""

    status: Literal["healthy"] = "healthy"


def admin_app() -> FastAPI:
    """The ASGI application of the administration port.

    `/docs` and `/openapi.json` describe the API port. Their scripts come with the package: a page that loads code
    from elsewhere has no place beside administration, and an air-gapped cluster has no elsewhere.
    """
    app: FastAPI = FastAPIOffline(title="kaigate", version=__version__, redoc_url=None)

    @app.get("/health", include_in_schema=False)
    def health() -> Health:
        return Health()

    def openapi() -> dict[str, Any]:
        return description()

    app.openapi = openapi  # type: ignore[method-assign]
    return app
