"""The callback for ``transformers.Trainer``.

It may import core, `runfork_torch`, and transformers in `for_transformers` alone; nothing of `runfork_hf.accelerate`.
"""
