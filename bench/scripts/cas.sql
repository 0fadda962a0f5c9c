\set id random(0, 99999)
UPDATE bench_head SET seq = seq + 1 WHERE id = :id AND seq >= 0 RETURNING seq;
