/*
 * csv2json.c: turns a CSV file into JSON.
 *
 * RFC 4180 with what is met in practice: quoted fields with newlines and doubled
 * quotes, LF or CRLF, a byte order mark, any one-character delimiter. One row is
 * held in memory at a time, so the size of the file does not matter. See --help.
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { EXIT_DATA = 1, EXIT_USAGE = 2, EXIT_FILE = 3 };

static const char help[] =
    "Usage: csv2json [OPTION]... [FILE]\n"
    "Turns CSV from FILE (or standard input) into a JSON array of objects, named by\n"
    "the first row.\n"
    "\n"
    "  -o, --output FILE     write to FILE, which changes only if all went well\n"
    "  -d, --delimiter CHAR  one character, or `tab` (default: $CSV_DELIMITER, or a comma)\n"
    "  -l, --lines           one JSON value a line instead of an array\n"
    "  -n, --no-header       every row is data: arrays instead of objects\n"
    "  -t, --types           numbers, true and false unquoted; empty fields null\n"
    "  -h, --help            print this\n"
    "      --version         print the version\n"
    "\n"
    "Exit code 0, or 1: the CSV is wrong, 2: bad option, 3: a file cannot be read or\n"
    "written.\n";

struct field {
  char *bytes;
  size_t len, room;
  bool quoted;
};

struct row {
  struct field *fields;
  size_t count, room;
};

static FILE *in, *out;
static const char *in_name = "standard input", *out_name, *part_name;
static unsigned char delimiter = ',';
static bool as_lines, no_header, typed;

/* `line` is where the reader is, `row_line` where the current row began: a quoted
 * field that is never closed is best reported where it started. */
static unsigned long line = 1, row_line = 1;

static _Noreturn void fail(int code, const char *format, ...) {
  va_list args;
  va_start(args, format);
  fputs("csv2json: ", stderr);
  vfprintf(stderr, format, args);
  fputc('\n', stderr);
  va_end(args);
  if (part_name != NULL) remove(part_name);
  exit(code);
}

static _Noreturn void fail_data(unsigned long at, const char *what) {
  fail(EXIT_DATA, "%s:%lu: %s", in_name, at, what);
}

static void *resized(void *block, size_t size) {
  block = realloc(block, size);
  if (block == NULL) fail(EXIT_FILE, "out of memory");
  return block;
}

static int next_byte(void) {
  int c = getc(in);
  if (c == EOF && ferror(in)) fail(EXIT_FILE, "%s: %s", in_name, strerror(errno));
  return c;
}

static void skip_byte_order_mark(void) {
  int c = next_byte();
  if (c != 0xef) {
    if (c != EOF) ungetc(c, in);
    return;
  }
  if (next_byte() != 0xbb || next_byte() != 0xbf) fail_data(1, "not UTF-8");
}

/* A new field at the end of the row, in the memory that an earlier row left there. */
static struct field *add_field(struct row *row) {
  if (row->count == row->room) {
    size_t room = row->room == 0 ? 16 : row->room * 2;
    row->fields = resized(row->fields, room * sizeof *row->fields);
    memset(row->fields + row->room, 0, (room - row->room) * sizeof *row->fields);
    row->room = room;
  }
  struct field *field = &row->fields[row->count++];
  field->len = 0;
  field->quoted = false;
  return field;
}

static void append(struct field *field, int c) {
  if (field->len == field->room) {
    field->room = field->room == 0 ? 32 : field->room * 2;
    field->bytes = resized(field->bytes, field->room);
  }
  field->bytes[field->len++] = (char)c;
}

/* Reads what follows an opening quote up to the byte after the closing one. */
static int read_quoted(struct field *field) {
  field->quoted = true;
  for (;;) {
    int c = next_byte();
    if (c == EOF) fail_data(row_line, "a quoted field is not closed");
    if (c == '\n') line++;
    if (c == '"' && (c = next_byte()) != '"') return c;
    append(field, c);
  }
}

/* False at the end of the input. */
static bool read_row(struct row *row) {
  row->count = 0;
  row_line = line;
  int c = next_byte();
  if (c == EOF) return false;
  for (;;) {
    struct field *field = add_field(row);
    if (c == '"') c = read_quoted(field);
    else
      for (; c != delimiter && c != '\n' && c != EOF; c = next_byte()) {
        if (c == '"') fail_data(line, "a quote inside an unquoted field");
        append(field, c);
      }
    if (c == '\r' && field->quoted) c = next_byte();
    if (c == delimiter) {
      c = next_byte();
      continue;
    }
    if (c != '\n' && c != EOF) fail_data(line, "text after a closing quote");
    if (!field->quoted && field->len > 0 && field->bytes[field->len - 1] == '\r') field->len--;
    if (c == '\n') line++;
    return true;
  }
}

static bool is_blank(const struct row *row) {
  return row->count == 1 && row->fields[0].len == 0 && !row->fields[0].quoted;
}

/* The length of the UTF-8 sequence that `s` begins with, or 0 if it is not one. */
static size_t utf8_length(const unsigned char *s, size_t len) {
  if (s[0] < 0x80) return 1;
  size_t n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
  if (s[0] < 0xc2 || s[0] > 0xf4 || n > len) return 0;
  /* Overlong forms, surrogates, and what lies beyond U+10FFFF show in the second byte. */
  unsigned char low = s[0] == 0xe0 ? 0xa0 : s[0] == 0xf0 ? 0x90 : 0x80;
  unsigned char high = s[0] == 0xed ? 0x9f : s[0] == 0xf4 ? 0x8f : 0xbf;
  if (s[1] < low || s[1] > high) return 0;
  for (size_t i = 2; i < n; i++)
    if ((s[i] & 0xc0) != 0x80) return 0;
  return n;
}

static void write_string(const struct field *field) {
  const unsigned char *s = (const unsigned char *)field->bytes;
  putc('"', out);
  for (size_t i = 0; i < field->len;) {
    size_t n = utf8_length(s + i, field->len - i);
    if (n == 0) fail_data(row_line, "not UTF-8");
    if (s[i] == '"' || s[i] == '\\') putc('\\', out);
    if (s[i] == '\n') fputs("\\n", out);
    else if (s[i] == '\t') fputs("\\t", out);
    else if (s[i] == '\r') fputs("\\r", out);
    else if (s[i] < 0x20) fprintf(out, "\\u%04x", s[i]);
    else fwrite(s + i, 1, n, out);
    i += n;
  }
  putc('"', out);
}

static size_t digits(const char *s, size_t at, size_t len) {
  while (at < len && isdigit((unsigned char)s[at])) at++;
  return at;
}

/* JSON's own grammar, so that codes such as 007, +1 or 1. stay strings. */
static bool is_number(const char *s, size_t len) {
  size_t at = len > 0 && s[0] == '-' ? 1 : 0;
  size_t whole = digits(s, at, len);
  if (whole == at || (s[at] == '0' && whole > at + 1)) return false;
  at = whole;
  if (at < len && s[at] == '.') {
    size_t end = digits(s, at + 1, len);
    if (end == at + 1) return false;
    at = end;
  }
  if (at < len && (s[at] == 'e' || s[at] == 'E')) {
    at++;
    if (at < len && (s[at] == '-' || s[at] == '+')) at++;
    size_t end = digits(s, at, len);
    if (end == at) return false;
    at = end;
  }
  return at == len;
}

static bool is_word(const struct field *field, const char *word) {
  return field->len == strlen(word) && memcmp(field->bytes, word, field->len) == 0;
}

static void write_value(const struct field *field) {
  /* Quotes are how a CSV says that a field is text. */
  bool plain = typed && !field->quoted;
  if (plain && field->len == 0) fputs("null", out);
  else if (plain && (is_word(field, "true") || is_word(field, "false") || is_number(field->bytes, field->len)))
    fwrite(field->bytes, 1, field->len, out);
  else write_string(field);
}

static void write_row(const struct row *header, const struct row *row) {
  putc(no_header ? '[' : '{', out);
  for (size_t i = 0; i < row->count; i++) {
    if (i > 0) fputs(", ", out);
    if (!no_header) {
      write_string(&header->fields[i]);
      fputs(": ", out);
    }
    write_value(&row->fields[i]);
  }
  putc(no_header ? ']' : '}', out);
}

/* A repeated name would make objects that lose a column. */
static void check_header(const struct row *header) {
  for (size_t i = 0; i < header->count; i++)
    for (size_t j = i + 1; j < header->count; j++) {
      const struct field *a = &header->fields[i], *b = &header->fields[j];
      if (a->len == b->len && (a->len == 0 || memcmp(a->bytes, b->bytes, a->len) == 0))
        fail(EXIT_DATA, "%s:1: the columns %zu and %zu have the same name", in_name, i + 1, j + 1);
    }
}

static void convert(void) {
  struct row header = {0}, row = {0};
  skip_byte_order_mark();
  if (!no_header && read_row(&header)) check_header(&header);
  size_t columns = header.count;
  bool first = true;
  if (!as_lines) putc('[', out);
  while (read_row(&row)) {
    if (is_blank(&row)) continue;
    if (columns == 0) columns = row.count;
    if (row.count != columns)
      fail(EXIT_DATA, "%s:%lu: %zu fields where %zu are expected", in_name, row_line, row.count, columns);
    if (!as_lines) fputs(first ? "\n  " : ",\n  ", out);
    write_row(&header, &row);
    if (as_lines) putc('\n', out);
    first = false;
  }
  if (!as_lines) fputs(first ? "]\n" : "\n]\n", out);
}

static void set_delimiter(const char *s, const char *where) {
  if (strcmp(s, "tab") == 0) s = "\t";
  if (strlen(s) != 1 || *s == '"' || *s == '\n' || *s == '\r' || (unsigned char)*s >= 0x80)
    fail(EXIT_USAGE, "%s: a delimiter is one ASCII character, or `tab`", where);
  delimiter = (unsigned char)*s;
}

static void parse_options(int argc, char **argv) {
  static const struct option options[] = {
      {"output", required_argument, NULL, 'o'}, {"delimiter", required_argument, NULL, 'd'},
      {"lines", no_argument, NULL, 'l'},        {"no-header", no_argument, NULL, 'n'},
      {"types", no_argument, NULL, 't'},        {"help", no_argument, NULL, 'h'},
      {"version", no_argument, NULL, 'V'},      {0},
  };
  const char *from_env = getenv("CSV_DELIMITER");
  if (from_env != NULL && *from_env != '\0') set_delimiter(from_env, "CSV_DELIMITER");
  int c;
  while ((c = getopt_long(argc, argv, "o:d:lnth", options, NULL)) != -1) {
    switch (c) {
      case 'o': out_name = optarg; break;
      case 'd': set_delimiter(optarg, "--delimiter"); break;
      case 'l': as_lines = true; break;
      case 'n': no_header = true; break;
      case 't': typed = true; break;
      case 'h': fputs(help, stdout); exit(0);
      case 'V': puts("csv2json 1.0"); exit(0);
      default: fputs("Try `csv2json --help`.\n", stderr); exit(EXIT_USAGE);
    }
  }
  if (argc - optind > 1) fail(EXIT_USAGE, "one FILE at a time, got %d", argc - optind);
}

static void open_files(const char *path) {
  in = stdin;
  if (path != NULL && strcmp(path, "-") != 0) {
    in_name = path;
    in = fopen(path, "rb");
    if (in == NULL) fail(EXIT_FILE, "%s: %s", path, strerror(errno));
    /* Opening a directory is no error, and reading it gives one that says little. */
    struct stat st;
    if (fstat(fileno(in), &st) == 0 && S_ISDIR(st.st_mode)) fail(EXIT_FILE, "%s: %s", path, strerror(EISDIR));
  }
  out = stdout;
  if (out_name != NULL) {
    char *name = resized(NULL, strlen(out_name) + sizeof ".part");
    sprintf(name, "%s.part", out_name);
    out = fopen(name, "wb");
    if (out == NULL) fail(EXIT_FILE, "%s: %s", name, strerror(errno));
    part_name = name;
  }
}

static void close_output(void) {
  bool failed = ferror(out) != 0;
  if (fclose(out) != 0 || failed) fail(EXIT_FILE, "%s: %s", out_name ? out_name : "standard output", strerror(errno));
  if (out_name != NULL && rename(part_name, out_name) != 0) fail(EXIT_FILE, "%s: %s", out_name, strerror(errno));
}

int main(int argc, char **argv) {
  parse_options(argc, argv);
  open_files(argv[optind]);
  convert();
  close_output();
  return 0;
}
