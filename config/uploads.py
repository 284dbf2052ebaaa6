"""No upload fills the disk: what is larger than anything we take is read past, and not kept."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadhandler import FileUploadHandler, StopUpload

MOST_BYTES = 256 * 1024 * 1024  # the largest file that any page takes


class Cap(FileUploadHandler):
    """Stands before the handlers that keep files; marks the request, so that a page can say so."""

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        self.seen = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self.seen += len(raw_data)
        if self.seen > MOST_BYTES:
            if self.request is not None:
                self.request.upload_too_large = True  # type: ignore[attr-defined]
            # Read to its end all the same: else the browser shows a broken line, not our words.
            raise StopUpload(connection_reset=False)
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None
