//! Safe HTML: the gate before the parser, the sanitiser, and HTML as text.
