"""What stands in a terminal: the console, tables, trees, and charts of braille dots. Nothing here reads anything."""
