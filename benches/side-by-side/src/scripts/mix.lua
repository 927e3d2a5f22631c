-- Warm URLs by Zipf's law with the exponent 1, the same draws in each run; every tenth is one that was never asked for.
local DRAWS = 100000
local requests, draws, prefix, last = {}, {}, "", 0

local function sums(count)
  local total, sum = {}, 0
  for rank = 1, count do
    sum = sum + 1 / rank
    total[rank] = sum
  end
  return total
end

local function rank(total, count)
  local wanted, low, high = math.random() * total[count], 1, count
  while low < high do
    local middle = math.floor((low + high) / 2)
    if total[middle] < wanted then low = middle + 1 else high = middle end
  end
  return low
end

function init(arguments)
  prefix = "/new/" .. arguments[1] .. "/"
  local count = tonumber(arguments[2])
  for number = 0, count - 1 do
    requests[number] = wrk.format("GET", "/hot/" .. number)
  end
  math.randomseed(1)
  local total = sums(count)
  for draw = 0, DRAWS - 1 do
    draws[draw] = rank(total, count) - 1
  end
end

function request()
  last = last + 1
  if last % 10 == 0 then
    return wrk.format("GET", prefix .. last)
  end
  return requests[draws[last % DRAWS]]
end
