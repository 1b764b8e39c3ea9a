"""Bulk work of background priority: files of requests in, files of answers out, across restarts.

disk       what is written is there after a kill
files      the files that callers upload and fetch
lines      a file of requests, checked line by line
record     one batch and the words for where it stands
journal    results, each durable before it counts
gate       who may start a line now: interactive requests come first
asking     one line, through the router like any other request
native     a provider's own batch API, at its price
running    one batch from validation to its result files
queue      all batches of this installation
"""

from __future__ import annotations

from codriver.batches.files import File, Files
from codriver.batches.queue import Batches
from codriver.batches.record import Batch

__all__ = ["Batch", "Batches", "File", "Files"]
