//! The interface between host and guest, as `sdk/wit/filter.wit` has it.

wasmtime::component::bindgen!({
    path: "../sdk/wit",
    world: "imports",
    imports: {
        "rimward:filter/kv.[method]store.put": async | trappable,
        "rimward:filter/kv.[method]store.increment": async | trappable,
        "rimward:filter/kv.[method]store.delete": async | trappable,
        "rimward:filter/subrequest.send": async | trappable,
        "rimward:filter/subrequest.[method]pending.wait": async | trappable,
        default: trappable,
    },
});
