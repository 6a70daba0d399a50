"""What every part of the configuration is made of: strict sections, and values that many of them have."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Seconds = Annotated[float, Field(gt=0, le=86_400)]
# Names become metric labels, header values and path steps.
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=64)]
ModelName = Annotated[str, Field(pattern=r"^[!-~]+$", max_length=256)]


class Section(BaseModel):
    """A mapping of the file: strict, immutable, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, protected_namespaces=())
