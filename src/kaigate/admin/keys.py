"""`/admin/v1/keys`: virtual keys over HTTP."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Security

from kaigate.admin.auth import BEARER, Authenticate, admin_route, caller_of
from kaigate.admin.schemas import IssuedKeyView, KeyCreate, KeyPage, KeyPatch, KeyRotate, KeyView
from kaigate.keys.repository import KeyQuery
from kaigate.keys.service import KeyService
from kaigate.pipeline.principal import Principal

Caller = Annotated[Principal, Depends(caller_of)]
Page = Annotated[int, Query(ge=1, le=500)]
Text = Annotated[str, Query(max_length=64)]
_PREFIX: Final = "/admin/v1/keys"


def keys_router(service: KeyService, authenticate: Authenticate) -> APIRouter:
    """The routes of keys."""
    router = APIRouter(
        prefix=_PREFIX, tags=["keys"], route_class=admin_route(authenticate), dependencies=[Security(BEARER)]
    )
    _add_reading(router, service)
    _add_changing(router, service)
    return router


def _add_reading(router: APIRouter, service: KeyService) -> None:
    @router.get("")
    async def list_keys(
        caller: Caller,
        *,
        team: Text | None = None,
        name: Text | None = None,
        include_revoked: bool = False,
        after: Text = "",
        limit: Page = 100,
    ) -> KeyPage:
        """List the keys that the caller may see."""
        query = KeyQuery(team=team, name=name, include_revoked=include_revoked, after=after, limit=limit)
        records = await service.list(caller, query)
        more = records[-1].key_id if len(records) == limit else None
        return KeyPage(data=[KeyView.of(record) for record in records], next=more)

    @router.get("/{key_id}")
    async def get_key(caller: Caller, key_id: str) -> KeyView:
        """One key, revoked ones too."""
        return KeyView.of(await service.get(caller, key_id))


def _add_changing(router: APIRouter, service: KeyService) -> None:
    @router.post("", status_code=201)
    async def create_key(caller: Caller, body: KeyCreate) -> IssuedKeyView:
        """Create a key; `key` is its secret, shown this once."""
        return IssuedKeyView.issued(await service.create(caller, body.name, body.change()))

    @router.patch("/{key_id}")
    async def update_key(caller: Caller, key_id: str, body: KeyPatch) -> KeyView:
        """Change what is given."""
        return KeyView.of(await service.update(caller, key_id, body.change(), name=body.name))

    @router.post("/{key_id}/rotate")
    async def rotate_key(caller: Caller, key_id: str, body: KeyRotate | None = None) -> IssuedKeyView:
        """Give the key a new secret; the old one works on for the overlap."""
        overlap_s = (body or KeyRotate()).overlap_seconds
        return IssuedKeyView.issued(await service.rotate(caller, key_id, overlap_s))

    @router.post("/{key_id}/revoke")
    async def revoke_key(caller: Caller, key_id: str) -> KeyView:
        """End the key for ever."""
        return KeyView.of(await service.revoke(caller, key_id))

    @router.delete("/{key_id}")
    async def delete_key(caller: Caller, key_id: str) -> KeyView:
        """End the key for ever; it stays listed as revoked, so that its usage keeps a name."""
        return KeyView.of(await service.revoke(caller, key_id))
