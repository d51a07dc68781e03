create table squares (number integer primary key, square integer);
begin;
with recursive counter (n) as (select 1 union all select n + 1 from counter where n < 2000)
insert into squares select n, n * n from counter;
commit;
delete from squares where number % 3 = 0;
create index by_square on squares (square);
vacuum;
select count(*), sum(square) from squares;
.quit
