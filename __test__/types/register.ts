// The redirect is imported for its effect alone, so there is nothing to name.

// oxlint-disable-next-line import/no-unassigned-import
import 'wasi-rs/register';
