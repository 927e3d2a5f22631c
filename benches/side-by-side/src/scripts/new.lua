-- Every URL once; the tag is another in each run.
local prefix, last = "", 0

function init(arguments)
  prefix = "/new/" .. arguments[1] .. "/"
end

function request()
  last = last + 1
  return wrk.format("GET", prefix .. last)
end
