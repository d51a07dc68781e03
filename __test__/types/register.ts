// The redirect is imported only for its effect, and has no exports.

// oxlint-disable-next-line import/no-unassigned-import
import 'wasi-rs/register';
