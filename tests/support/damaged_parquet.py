"""A Parquet file at which polars ends its process."""

from __future__ import annotations

import io


def with_a_page_of_fewer_values_than_none() -> bytes:
    """One byte of the first page's header is another: it holds -256 values and no longer 200.

    polars then asks for 2 EiB, and the process ends with SIGABRT.
    """
    import polars

    file = io.BytesIO()
    polars.DataFrame({"id": [f"q{n}" for n in range(200)]}).write_parquet(file, compression="snappy")
    data = bytearray(file.getvalue())
    data[data.index(b"\x90\x03")] = 0xFF
    return bytes(data)
