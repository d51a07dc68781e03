// The redirect is imported for its effect alone.

import 'wasi-rs/register';
