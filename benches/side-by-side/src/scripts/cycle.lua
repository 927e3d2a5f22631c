-- Many URLs in turn; their requests are made before the clock runs.
local requests, count, last = {}, 0, 0

function init(arguments)
  count = tonumber(arguments[2])
  for number = 0, count - 1 do
    requests[number] = wrk.format("GET", "/hot/" .. number)
  end
end

function request()
  last = (last + 1) % count
  return requests[last]
end
