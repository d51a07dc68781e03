# Files under /home as Ruby sees them, without a word about times of day, inode
# numbers or the order of a directory: two runs can be compared.

require "csv"
require "digest"
require "fileutils"
require "find"
require "json"
require "pathname"
require "tempfile"

def step(name)
  puts "#{name}: #{yield.inspect}"
rescue SystemCallError => e
  puts "#{name}: refused #{e.class}"
end

def sha(path) = Digest::SHA256.hexdigest(File.binread(path))[0, 16]

puts "#{ARGV.inspect} #{ENV.to_h.inspect} #{RUBY_PLATFORM}"
step("stdin") { $stdin.each_line.map(&:chomp) }

root = Pathname.new("/home")
step("mkpath") { root.join("tree/a/b").mkpath }
1500.times { |n| root.join("tree/a/#{n}.txt").write("#{n} " * (n % 50)) }
step("children") { root.join("tree/a").children.size }
step("glob") { Dir.glob("/home/tree/**/1?9.txt").sort.map { |p| File.basename(p) } }
step("find") { Find.find("/home/tree").sum { |p| File.file?(p) ? File.size(p) : 0 } }
step("read all") { Dir.children("/home/tree/a").sort.reduce(0) { |sum, n| sum + (File.file?("/home/tree/a/#{n}") ? File.read("/home/tree/a/#{n}").bytesize : 0) } }
step("collected") { GC.start; GC.count.positive? }
step("mkdir again") { Dir.mkdir("/home/tree") }
step("rmdir full") { Dir.rmdir("/home/tree") }
step("open missing") { File.read("/home/missing") }
step("open above") { File.read("/home/../../etc/passwd") }
step("exclusive") { File.open("/home/given.txt", File::CREAT | File::EXCL | File::WRONLY) }
step("append") { File.open("/home/given.txt", "a") { |f| f.write("more", "and more") } }
step("read") { File.read("/home/given.txt") }
step("random access") do
  File.open("/home/random", "w+b") do |f|
    f.write("0123456789" * 1000)
    f.seek(-15, IO::SEEK_END)
    f.write("over")
    f.rewind
    [f.read(12), f.pread(6, 9983), f.pwrite("there", 20_000), f.size, f.truncate(15_000), f.size, f.pos]
  end
end
step("copy_stream") { IO.copy_stream("/home/random", "/home/copied") }
step("same") { FileUtils.compare_file("/home/random", "/home/copied") }
step("rename") { File.rename("/home/copied", "/home/tree/moved") }
step("rename missing") { File.rename("/home/copied", "/home/tree/moved") }
step("link") { File.link("/home/tree/moved", "/home/tree/hard"); File.stat("/home/tree/hard").nlink }
step("symlink") { File.symlink("moved", "/home/tree/soft"); [File.readlink("/home/tree/soft"), File.symlink?("/home/tree/soft")] }
step("stat") { s = File.stat("/home/tree/soft"); [s.ftype, s.size, File.lstat("/home/tree/soft").ftype] }
step("utime") { File.utime(Time.at(1_000_000_000), Time.at(1_100_000_000), "/home/tree/hard"); File.mtime("/home/tree/soft").to_i }
step("cp_r") { FileUtils.cp_r("/home/tree/a", "/home/tree/c"); Dir.children("/home/tree/c").size }
step("rm_rf") { FileUtils.rm_rf("/home/tree/c"); Dir.exist?("/home/tree/c") }
step("tempfile") { Tempfile.create("x", "/home") { |f| f.write("temporary"); f.flush; File.size(f.path) } }
step("csv") do
  CSV.open("/home/table.csv", "w") { |csv| 100.times { |n| csv << [n, n * n, "\"#{n}\""] } }
  CSV.read("/home/table.csv").sum { |row| row[1].to_i }
end
step("json") { File.write("/home/tree.json", JSON.pretty_generate(Dir.children("/home").sort)) }
step("marshal") { File.binwrite("/home/marshal", Marshal.dump({ a: [1, 2.5, "ü"] })); Marshal.load(File.binread("/home/marshal")) }
step("digest") { %w[random tree/moved table.csv].map { |p| sha("/home/#{p}") } }
step("sleep") { sleep 0.02; true }

warn "to stderr"
exit 3
