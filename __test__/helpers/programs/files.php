<?php
// Files under /home as PHP sees them, comparable between two runs: no time of
// day, no inode number, no order of a directory.
error_reporting(E_ALL);
ini_set('html_errors', '0');

function step(string $name, callable $action): void
{
    echo $name, ': ', json_encode($action()), "\n";
}

function names(string $dir): array
{
    return array_values(array_diff(scandir($dir), ['.', '..']));
}

chdir('/home');
echo PHP_OS, ' ', PHP_VERSION, ' ', getenv('GREETING'), "\n";

step('mkdir', fn() => mkdir('tree/a/b', 0777, true));
for ($n = 0; $n < 200; $n++) {
    file_put_contents("tree/a/$n.txt", str_repeat("$n ", $n));
}
step('names', fn() => md5(implode('', names('tree/a'))));
step('glob', fn() => glob('tree/a/1?9.txt'));
step('iterator', function () {
    $sum = 0;
    $all = new RecursiveIteratorIterator(new RecursiveDirectoryIterator('tree', FilesystemIterator::SKIP_DOTS));
    foreach ($all as $file) {
        $sum += $file->getSize();
    }
    return $sum;
});
step('mkdir again', fn() => mkdir('tree'));
step('rmdir full', fn() => rmdir('tree'));
step('missing', fn() => file_get_contents('missing'));
step('above', fn() => file_get_contents('/home/../../etc/passwd'));
step('exclusive', fn() => fopen('given.txt', 'x'));
step('append', fn() => file_put_contents('given.txt', 'appended', FILE_APPEND));
step('lines', fn() => file('given.txt', FILE_IGNORE_NEW_LINES));
step('random access', function () {
    $file = fopen('random', 'w+');
    fwrite($file, str_repeat('0123456789', 1000));
    fseek($file, -15, SEEK_END);
    fwrite($file, 'over');
    rewind($file);
    $read = [fread($file, 12), ftell($file), ftruncate($file, 5000), fstat($file)['size'], fseek($file, 4990), strlen(fgets($file)), feof($file)];
    fclose($file);
    return $read;
});
step('copy', fn() => [copy('random', 'copied'), md5_file('copied')]);
step('rename', fn() => [rename('copied', 'tree/moved'), file_exists('copied'), filesize('tree/moved')]);
step('rename missing', fn() => rename('copied', 'tree/moved'));
step('link', fn() => [link('tree/moved', 'tree/hard'), stat('tree/hard')['nlink']]);
step('symlink', fn() => [symlink('moved', 'tree/soft'), readlink('tree/soft'), is_link('tree/soft'), filetype('tree/soft'), filesize('tree/soft')]);
step('touch', function () {
    $touched = touch('tree/hard', 1100000000, 1000000000);
    clearstatcache();
    return [$touched, filemtime('tree/soft'), fileatime('tree/soft')];
});
step('unlink', fn() => [unlink('tree/hard'), unlink('tree/hard')]);
step('unlink a directory', fn() => unlink('tree'));
step('tempnam', function () {
    $name = tempnam('/home', 'x');
    $size = file_put_contents($name, 'temporary');
    return [$size, unlink($name)];
});
step('sqlite', function () {
    $base = new PDO('sqlite:/home/base.db');
    $base->exec('create table squares (number integer, square integer)');
    $insert = $base->prepare('insert into squares values (?, ?)');
    $base->beginTransaction();
    for ($n = 0; $n < 1000; $n++) {
        $insert->execute([$n, $n * $n]);
    }
    $base->commit();
    return [$base->query('select sum(square) from squares')->fetchColumn(), $base->query('pragma integrity_check')->fetchColumn()];
});
step('xml', function () {
    $xml = new SimpleXMLElement('<files/>');
    foreach (names('tree') as $name) {
        $xml->addChild('file', $name);
    }
    return [$xml->asXML('tree.xml'), count(simplexml_load_file('tree.xml')->file)];
});
step('image', function () {
    $image = imagecreatetruecolor(64, 64);
    imagefilledrectangle($image, 8, 8, 32, 32, 0xff8800);
    return [imagepng($image, 'image.png'), getimagesize('image.png')[0]];
});
step('slept', function () {
    usleep(20000);
    return true;
});
exit(5);
