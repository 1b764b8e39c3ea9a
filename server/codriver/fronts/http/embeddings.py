"""The endpoint for vectors: the same handler as for every wire, because the path is the same."""

from __future__ import annotations

from functools import partial

from codriver.fronts.http.converse import converse
from codriver.fronts.http.route import Route, Routes

_EMBEDDINGS = Route(partial(converse, wire="openai_embeddings"))

ROUTES: Routes = {"POST /v1/embeddings": _EMBEDDINGS, "POST /embeddings": _EMBEDDINGS}
