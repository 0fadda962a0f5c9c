-- The floor for http_queue.rhai: wrk sends two fixed requests in turn and reads no body.
local headers = { ["content-type"] = "application/json" }
local push = '{"item":{"k":1,"at":0,"body":"' .. string.rep("x", 200) .. '"},"priority":0}'
local turn = 0
local requests = {}

function init()
    requests = {
        wrk.format("POST", "/v1/queues/wrk/items", headers, push),
        wrk.format("POST", "/v1/queues/wrk/pop", headers, '{"depth":1}'),
    }
end

function request()
    turn = turn + 1
    return requests[turn % 2 + 1]
end

-- Other statuses than 2xx count as errors.
function done(summary, latency)
    io.write(string.format('{"requests": %d, "errors": %d, "seconds": %f, "p99_ms": %f}\n', summary.requests,
        summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
        summary.duration / 1e6, latency:percentile(99) / 1000))
end
