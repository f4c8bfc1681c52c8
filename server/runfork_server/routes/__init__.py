"""The routes of the read API, a module for each noun; `runfork_server.app` says how one is added."""
