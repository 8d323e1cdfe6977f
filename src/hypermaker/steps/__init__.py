"""The steps of the engine, one file each, in the order in which `engine.process` takes them."""
