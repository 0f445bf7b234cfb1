-- One XML-RPC call, by environment: RPC_BODY, and RPC_CLOSE for a new connection for each call.
wrk.method = "POST"
wrk.path = "/RPC2"
wrk.headers["Content-Type"] = "text/xml"
wrk.body = os.getenv("RPC_BODY")
if os.getenv("RPC_CLOSE") then
	wrk.headers["Connection"] = "close"
end

function done(summary, latency)
	local errors = 0
	for _, count in pairs(summary.errors) do
		errors = errors + count
	end
	io.write(string.format("RESULT %d %d %d %d %d\n", summary.requests, summary.duration,
		latency:percentile(50), latency:percentile(99), errors))
end
