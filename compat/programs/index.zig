//! Makes an index of a directory: `index DIRECTORY`, in the directory where it runs.
//!
//!   index.txt   each word, the files it is in and how often; written beside and renamed
//!   files.bin   each file's size and hash; the header is written last, over its place
//!
//! Prints each link with its target, and how much it found.

const std = @import("std");
const Io = std.Io;
const Sha256 = std.crypto.hash.sha2.Sha256;

const Counts = std.StringArrayHashMapUnmanaged(u32);
const Words = std.StringArrayHashMapUnmanaged(Counts);
const File = struct { path: []const u8, size: u64, hash: [Sha256.digest_length]u8 };
const Link = struct { path: []const u8, target: []const u8 };

const Index = struct {
    arena: std.mem.Allocator,
    io: Io,
    words: Words = .empty,
    files: std.ArrayList(File) = .empty,
    links: std.ArrayList(Link) = .empty,

    fn walk(self: *Index, root: Io.Dir) !void {
        var walker = try root.walk(self.arena);
        while (try walker.next(self.io)) |entry| {
            const path = try self.arena.dupe(u8, entry.path);
            switch (entry.kind) {
                .file => try self.read(entry.dir, entry.basename, path),
                .sym_link => {
                    var buffer: [1024]u8 = undefined;
                    const length = try entry.dir.readLink(self.io, entry.basename, &buffer);
                    const target = try self.arena.dupe(u8, buffer[0..length]);
                    try self.links.append(self.arena, .{ .path = path, .target = target });
                },
                else => {},
            }
        }
    }

    fn read(self: *Index, dir: Io.Dir, name: []const u8, path: []const u8) !void {
        var file = try dir.openFile(self.io, name, .{});
        defer file.close(self.io);
        var buffer: [4096]u8 = undefined;
        var reader = file.reader(self.io, &buffer);
        var hash: Sha256 = .init(.{});
        var size: u64 = 0;
        while (try reader.interface.takeDelimiter('\n')) |line| {
            hash.update(line);
            size += line.len;
            var parts = std.mem.tokenizeAny(u8, line, " \t.,");
            while (parts.next()) |word| try self.count(word, path);
        }
        try self.files.append(self.arena, .{ .path = path, .size = size, .hash = hash.finalResult() });
    }

    fn count(self: *Index, word: []const u8, path: []const u8) !void {
        const entry = try self.words.getOrPut(self.arena, word);
        if (!entry.found_existing) {
            entry.key_ptr.* = try self.arena.dupe(u8, word);
            entry.value_ptr.* = .empty;
        }
        const times = try entry.value_ptr.getOrPutValue(self.arena, path, 0);
        times.value_ptr.* += 1;
    }

    /// The order of a directory is the host's own.
    fn sort(self: *Index) void {
        std.mem.sort(File, self.files.items, {}, byPath(File));
        std.mem.sort(Link, self.links.items, {}, byPath(Link));
        self.words.sort(ByKey(Words){ .map = &self.words });
        for (self.words.values()) |*counts| counts.sort(ByKey(Counts){ .map = counts });
    }

    fn writeWords(self: *Index, dir: Io.Dir) !void {
        var atomic = try dir.createFileAtomic(self.io, "index.txt", .{ .replace = true });
        defer atomic.deinit(self.io);
        var buffer: [4096]u8 = undefined;
        var writer = atomic.file.writer(self.io, &buffer);
        for (self.words.keys(), self.words.values()) |word, counts| {
            try writer.interface.print("{s}", .{word});
            for (counts.keys(), counts.values()) |path, times| {
                try writer.interface.print(" {s}:{d}", .{ path, times });
            }
            try writer.interface.writeByte('\n');
        }
        try writer.interface.flush();
        try atomic.replace(self.io);
    }

    fn writeFiles(self: *Index, dir: Io.Dir) !void {
        var file = try dir.createFile(self.io, "files.bin", .{});
        defer file.close(self.io);
        var buffer: [512]u8 = undefined;
        var writer = file.writer(self.io, &buffer);
        const out = &writer.interface;
        try out.writeAll("????????");
        for (self.files.items) |item| {
            try out.writeInt(u64, item.size, .little);
            try out.writeAll(&item.hash);
        }
        try writer.seekTo(0);
        try out.writeAll("IDX1");
        try out.writeInt(u32, @intCast(self.files.items.len), .little);
        try out.flush();
        try file.sync(self.io);
    }
};

fn byPath(comptime T: type) fn (void, T, T) bool {
    return struct {
        fn less(_: void, a: T, b: T) bool {
            return std.mem.lessThan(u8, a.path, b.path);
        }
    }.less;
}

fn ByKey(comptime Map: type) type {
    return struct {
        map: *const Map,
        pub fn lessThan(self: @This(), a: usize, b: usize) bool {
            return std.mem.lessThan(u8, self.map.keys()[a], self.map.keys()[b]);
        }
    };
}

pub fn main(init: std.process.Init) !void {
    const io = init.io;
    const arena = init.arena.allocator();
    const args = try init.minimal.args.toSlice(arena);
    const here = Io.Dir.cwd();
    var root = try here.openDir(io, args[1], .{ .iterate = true });
    defer root.close(io);

    var index: Index = .{ .arena = arena, .io = io };
    try index.walk(root);
    index.sort();
    try index.writeWords(here);
    try index.writeFiles(here);

    var buffer: [256]u8 = undefined;
    var stdout = Io.File.stdout().writer(io, &buffer);
    for (index.links.items) |link| {
        try stdout.interface.print("{s} -> {s}\n", .{ link.path, link.target });
    }
    try stdout.interface.print("{d} files, {d} words\n", .{ index.files.items.len, index.words.count() });
    try stdout.interface.flush();
}
