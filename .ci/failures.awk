# Prints the failed tests in the output of a run, with the first lines of each report. Both
# the lines of a report and the failures can be hundreds, so their numbers are limited.

function show() {
  print
  if (++shown == 200) exit
}

# cargo: the name of a test and its output.
/^---- .* ----$/ { left = 12 }
/^(stack backtrace:|note: |failures:|test result: )/ { left = 0 }
# cargo, the compiler and clippy.
/^error/ { left = 4 }
# The official test suite.
/^failed: / { left = 4 }

# ava: first the titles; then, between two rules, a title and a report for each failure.
/^  ✔ / { next }
/^  (✘|◌) / { show(); next }
/^  (Uncaught exception|Unhandled rejection) in / { left = 12 }
/^  ─$/ { reports = !reports; left = 0; blank = 2; next }
/^ *$/ { blank++; next }
reports && blank > 1 { left = 12 }
/^ +at |^  › / { next }

left > 0 { show(); left-- }
{ blank = 0 }
