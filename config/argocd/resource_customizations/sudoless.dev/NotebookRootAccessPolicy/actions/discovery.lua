local suspended = obj.spec.suspend == true
local deleted = obj.metadata.deletionTimestamp ~= nil

local actions = {}
-- A suspended policy is not scanned, also not on request.
actions["scan-now"] = {
  ["disabled"] = suspended or deleted,
  ["displayName"] = "Scan now",
  ["iconClass"] = "fa fa-fw fa-sync",
}
actions["suspend"] = {
  ["disabled"] = suspended or deleted,
  ["displayName"] = "Suspend",
  ["iconClass"] = "fa fa-fw fa-pause",
}
actions["resume"] = {
  ["disabled"] = not suspended or deleted,
  ["displayName"] = "Resume",
  ["iconClass"] = "fa fa-fw fa-play",
}
return actions
