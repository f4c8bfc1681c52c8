"""The tracker for Accelerate: it logs, and marks what ``save_state`` writes.

It may import core, `runfork_torch`, and where they are used torch and accelerate; nothing of `runfork_hf.trainer`.
"""
