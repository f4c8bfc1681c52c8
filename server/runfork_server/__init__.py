"""The server: the read API over a data directory, live events, access, and the web UI that is built from `server/ui`.

It may import core; core imports nothing of it. Starlette and uvicorn are imported by what serves, and by nothing else.
"""
