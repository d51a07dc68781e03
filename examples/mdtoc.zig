//! mdtoc: a table of contents for a Markdown file, with the anchors that GitHub gives its
//! headings; printed, or kept up to date inside the file. See --help.

const std = @import("std");
const Io = std.Io;
const Allocator = std.mem.Allocator;

const help =
    \\Usage: mdtoc [OPTION]... FILE
    \\Prints a table of contents of the Markdown in FILE (`-`: standard input), the
    \\first heading of level 1 left out.
    \\
    \\  -i, --in-place   put it into FILE, between lines `<!-- toc -->` and `<!-- /toc -->`
    \\  -c, --check      change nothing; exit code 1 if --in-place would
    \\  -d, --depth N    headings down to level N, 1 to 6 (default: $MDTOC_DEPTH, or 3)
    \\  -h, --help       print this
    \\      --version    print the version
    \\
    \\Exit code 0, or 1: --check found FILE out of date, 2: bad option, 3: a file cannot
    \\be read or written, or has no place for the table.
    \\
;

const begin_mark = "<!-- toc -->";
const end_mark = "<!-- /toc -->";

/// The end of the program, its reason printed already.
const Exit = error{ Usage, Failed };

const Options = struct {
    path: ?[]const u8 = null,
    depth: usize = 3,
    mode: enum { print, in_place, check } = .print,
};

/// What the functions below need of the world.
const Host = struct {
    io: Io,
    arena: Allocator,

    fn write(host: Host, file: Io.File, bytes: []const u8) !void {
        try file.writeStreamingAll(host.io, bytes);
    }

    fn fail(host: Host, kind: Exit, comptime format: []const u8, args: anytype) (Exit || Allocator.Error) {
        const text = try std.fmt.allocPrint(host.arena, "mdtoc: " ++ format ++ "\n", args);
        host.write(.stderr(), text) catch {};
        return kind;
    }
};

pub fn main(init: std.process.Init) u8 {
    const host: Host = .{ .io = init.io, .arena = init.arena.allocator() };
    return run(host, init) catch |err| switch (err) {
        error.Usage => 2,
        error.Failed => 3,
        else => {
            host.fail(error.Failed, "{s}", .{describe(err)}) catch {};
            return 3;
        },
    };
}

fn run(host: Host, init: std.process.Init) !u8 {
    var options: Options = .{};
    if (init.environ_map.get("MDTOC_DEPTH")) |depth| options.depth = try parseDepth(host, depth);

    const args = try init.minimal.args.toSlice(host.arena);
    var i: usize = 1;
    while (i < args.len) : (i += 1) {
        const arg = args[i];
        if (isOption(arg, "-h", "--help")) {
            try host.write(.stdout(), help);
            return 0;
        } else if (std.mem.eql(u8, arg, "--version")) {
            try host.write(.stdout(), "mdtoc 1.0\n");
            return 0;
        } else if (isOption(arg, "-i", "--in-place")) {
            options.mode = .in_place;
        } else if (isOption(arg, "-c", "--check")) {
            options.mode = .check;
        } else if (isOption(arg, "-d", "--depth")) {
            i += 1;
            options.depth = try parseDepth(host, if (i < args.len) args[i] else "");
        } else if (arg.len > 1 and arg[0] == '-') {
            return host.fail(error.Usage, "bad option {s}; try `mdtoc --help`", .{arg});
        } else if (options.path != null) {
            return host.fail(error.Usage, "one FILE at a time", .{});
        } else {
            options.path = arg;
        }
    }
    const path = options.path orelse
        return host.fail(error.Usage, "no FILE; try `mdtoc --help`", .{});
    return process(host, options, path);
}

fn isOption(arg: []const u8, short: []const u8, long: []const u8) bool {
    return std.mem.eql(u8, arg, short) or std.mem.eql(u8, arg, long);
}

fn parseDepth(host: Host, text: []const u8) !usize {
    if (text.len != 1 or text[0] < '1' or text[0] > '6')
        return host.fail(error.Usage, "the depth is 1 to 6, not `{s}`", .{text});
    return text[0] - '0';
}

fn process(host: Host, options: Options, path: []const u8) !u8 {
    const is_stdin = std.mem.eql(u8, path, "-");
    if (is_stdin and options.mode == .in_place)
        return host.fail(error.Usage, "standard input cannot be changed in place", .{});

    const text = readAll(host, if (is_stdin) null else path) catch |err|
        return host.fail(error.Failed, "{s}: {s}", .{ path, describe(err) });
    const toc = try tableOfContents(host.arena, text, options.depth);
    if (options.mode == .print) {
        try host.write(.stdout(), toc);
        return 0;
    }
    const new = try replaced(host.arena, text, toc) orelse
        return host.fail(error.Failed, "{s}: no lines " ++ begin_mark ++ " and " ++ end_mark, .{path});
    if (std.mem.eql(u8, text, new)) return 0;
    if (options.mode == .check) {
        const message = try std.fmt.allocPrint(host.arena, "{s}: the table of contents is out of date\n", .{path});
        try host.write(.stdout(), message);
        return 1;
    }
    writeWhole(host, path, new) catch |err| return host.fail(error.Failed, "{s}: {s}", .{ path, describe(err) });
    return 0;
}

fn describe(err: anyerror) []const u8 {
    return switch (err) {
        error.FileNotFound => "no such file",
        error.IsDir => "is a directory",
        // Paths are relative to the first directory that the host gives; the two mean that
        // the path leaves it, and that there is none.
        error.AccessDenied => "not readable, or not below the first directory given",
        error.Unexpected => "refused; was a directory given?",
        else => @errorName(err),
    };
}

/// The whole of a file, or of standard input.
fn readAll(host: Host, path: ?[]const u8) ![]u8 {
    const file: Io.File = if (path) |p| try Io.Dir.cwd().openFile(host.io, p, .{}) else .stdin();
    defer if (path != null) file.close(host.io);
    var buffer: [4096]u8 = undefined;
    var reader = file.readerStreaming(host.io, &buffer);
    return reader.interface.allocRemaining(host.arena, .unlimited) catch |err|
        return if (reader.err) |cause| cause else err;
}

/// Writes beside the file and renames, so that a failure leaves the old text whole.
fn writeWhole(host: Host, path: []const u8, bytes: []const u8) !void {
    const dir = Io.Dir.cwd();
    const part = try std.fmt.allocPrint(host.arena, "{s}.part", .{path});
    errdefer dir.deleteFile(host.io, part) catch {};
    try dir.writeFile(host.io, .{ .sub_path = part, .data = bytes });
    try dir.rename(part, dir, path, host.io);
}

const Heading = struct { level: usize, text: []const u8 };

/// An ATX heading, without the marks around its text.
fn parseHeading(line: []const u8) ?Heading {
    const indented = std.mem.trimStart(u8, line, " ");
    if (line.len - indented.len > 3) return null;
    const text = std.mem.trimStart(u8, indented, "#");
    const level = indented.len - text.len;
    if (level < 1 or level > 6) return null;
    if (text.len == 0 or (text[0] != ' ' and text[0] != '\t')) return null;
    var title = std.mem.trim(u8, text, " \t\r");
    const open = std.mem.trimEnd(u8, title, "#");
    // Closing marks count as such only behind a space.
    if (open.len < title.len and (open.len == 0 or open[open.len - 1] == ' '))
        title = std.mem.trimEnd(u8, open, " \t");
    // Nothing to show, and nothing to point at.
    if (title.len == 0) return null;
    return .{ .level = level, .text = title };
}

/// The fence that a line opens or closes: its character and its length.
fn fenceOf(line: []const u8) ?struct { mark: u8, len: usize, bare: bool } {
    const text = std.mem.trimStart(u8, line, " ");
    if (line.len - text.len > 3 or text.len < 3 or (text[0] != '`' and text[0] != '~')) return null;
    const rest = std.mem.trimStart(u8, text, text[0..1]);
    if (text.len - rest.len < 3) return null;
    // A back-quote in the info string makes it a code span instead.
    if (text[0] == '`' and std.mem.indexOfScalar(u8, rest, '`') != null) return null;
    return .{
        .mark = text[0],
        .len = text.len - rest.len,
        .bare = std.mem.trim(u8, rest, " \t\r").len == 0,
    };
}

fn tableOfContents(arena: Allocator, text: []const u8, depth: usize) ![]u8 {
    var toc: std.ArrayList(u8) = .empty;
    var anchors: std.StringHashMapUnmanaged(usize) = .empty;
    var fence_mark: u8 = 0;
    var fence_len: usize = 0;
    var titled = false;
    var lines = std.mem.splitScalar(u8, text, '\n');
    while (lines.next()) |line| {
        if (fenceOf(line)) |fence| {
            if (fence_mark == 0) {
                fence_mark = fence.mark;
                fence_len = fence.len;
            } else if (fence.mark == fence_mark and fence.len >= fence_len and fence.bare) {
                fence_mark = 0;
            }
            continue;
        }
        if (fence_mark != 0) continue;
        const heading = parseHeading(line) orelse continue;
        const anchor = try anchorOf(arena, &anchors, heading.text);
        if (heading.level == 1 and !titled) {
            titled = true;
            continue;
        }
        if (heading.level > depth) continue;
        // Below a title, the sections of level 2 are the outermost.
        const outermost: usize = if (titled) 2 else 1;
        const indent = if (heading.level > outermost) heading.level - outermost else 0;
        try toc.appendNTimes(arena, ' ', indent * 2);
        try toc.print(arena, "- [{s}](#{s})\n", .{ heading.text, anchor });
    }
    return toc.items;
}

/// GitHub's rule: lower case, blanks to hyphens, other punctuation dropped, and a number
/// behind an anchor that was there before. Bytes beyond ASCII stay as they are.
fn anchorOf(arena: Allocator, seen: *std.StringHashMapUnmanaged(usize), title: []const u8) ![]const u8 {
    var anchor: std.ArrayList(u8) = .empty;
    for (title) |c| switch (c) {
        'A'...'Z' => try anchor.append(arena, c + ('a' - 'A')),
        'a'...'z', '0'...'9', '-', '_', 0x80...0xff => try anchor.append(arena, c),
        ' ' => try anchor.append(arena, '-'),
        else => {},
    };
    const entry = try seen.getOrPutValue(arena, anchor.items, 0);
    defer entry.value_ptr.* += 1;
    if (entry.value_ptr.* == 0) return anchor.items;
    return std.fmt.allocPrint(arena, "{s}-{d}", .{ anchor.items, entry.value_ptr.* });
}

/// The text with the table between its marks, or null if the marks are not there.
fn replaced(arena: Allocator, text: []const u8, toc: []const u8) !?[]u8 {
    const begin = lineStart(text, 0, begin_mark) orelse return null;
    const inside = (std.mem.indexOfScalarPos(u8, text, begin, '\n') orelse return null) + 1;
    const end = lineStart(text, inside, end_mark) orelse return null;
    return try std.mem.concat(arena, u8, &.{ text[0..inside], "\n", toc, "\n", text[end..] });
}

/// Where the first line that consists of `mark` begins, from `start` on, itself a line's start.
fn lineStart(text: []const u8, start: usize, mark: []const u8) ?usize {
    var at = start;
    while (at < text.len) {
        const end = std.mem.indexOfScalarPos(u8, text, at, '\n') orelse text.len;
        if (std.mem.eql(u8, std.mem.trimEnd(u8, text[at..end], " \t\r"), mark)) return at;
        at = end + 1;
    }
    return null;
}
