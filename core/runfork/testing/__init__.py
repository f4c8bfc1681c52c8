"""What tests of runfork, its plugins and its integrations share: contract suites and hand-written histories."""
