"""A density matrix as the suite writes it, made up, for the tests of the page."""


def throughput(chains, nodes, frame_size):
    pps = 180000 / (chains * nodes) ** 0.7 * (1 if frame_size < 1000 else 0.6)
    return {"frame_size": frame_size, "pps": pps, "gbps": pps * frame_size * 8 / 1e9,
            "tx_packets": int(pps * 5), "rx_packets": int(pps * 5), "loss_ratio": 0.0,
            "per_chain": [{"chain": chain, "pps": pps / chains} for chain in range(1, chains + 1)]}


def row(chains, nodes, sizes):
    vms = chains * nodes
    names = [f"DUT1_{number}" for number in range(1, vms + 1)]
    return {"chains": chains, "nodes": nodes, "vms": vms, "vcpus": 2 * vms, "status": "PASS",
            "error": "",
            "start": {"vswitch": 1.1, "chains": 2.8 + 0.9 * vms,
                      "vms": [{"name": name, "ready": 2.5 + vms / 2} for name in names]},
            "memory": {"configured": 512 * vms, "resident": 310 * vms,
                       "vms": [{"name": name, "resident": 310} for name in names]},
            "throughput": [throughput(chains, nodes, size) for size in sizes]}


def density(max_chains=2, max_nodes=2, sizes=(64,)):
    return {"started": "2024-05-04 10:00 UTC", "finished": "2024-05-04 10:04 UTC",
            "settings": {"max_chains": max_chains, "max_nodes": max_nodes, "topology": "chain",
                         "vnf": "testpmd_mac", "vswitch": "testpmd", "frame_sizes": list(sizes),
                         "rate": "max", "duration": 5},
            "machine": {"cpus": 2, "memory": 24000, "kvm": False, "qemu": "7.2.22"},
            "rows": [row(chains, nodes, sizes) for chains in range(1, max_chains + 1)
                     for nodes in range(1, max_nodes + 1)]}
