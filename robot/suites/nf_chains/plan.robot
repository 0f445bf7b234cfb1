*** Settings ***
Documentation       Chains are planned without starting anything, and the plan is what starts.
Resource            nf_chains.resource
Library             ../../libraries/Leftovers.py
Library             ../../libraries/Proc.py

Suite Setup         Set Up Chains
Suite Teardown      Tear Down Chains


*** Test Cases ***
A Plan For A Machine That Is Not Here
    # Two sockets of 14 cores with two threads each.
    ${layout}=    Evaluate    [[i, i % 28, i % 28 // 14, i % 28 // 14] for i in range(56)]
    ${plan}=    Plan NF Chains    2    2    layout=${layout}
    Should Be Equal As Integers    ${plan}[totals][vms]    4
    Should Be True    ${plan}[pinned]
    ${cpus}=    Get CPU Placement    2    2    1    2    nf_dtcr=2    layout=${layout}
    Should Be Equal    ${plan}[vms][1][host_cpus]    ${cpus}
    Should Be Equal    ${plan}[vms][0][peer_macs]
    ...    ${{ ['02:00:00:00:00:01', '52:54:00:00:02:01'] }}
    ${vms}=    List VMs
    Should Be Empty    ${vms}
    Nothing Should Be Left

Addresses Of The Traffic Are A Choice
    ${macs}=    Create List    02:00:00:00:00:0a    02:00:00:00:00:0b
    ${plan}=    Plan NF Chains    1    1    traffic_macs=${macs}
    Should Be Equal    ${plan}[vms][0][peer_macs]    ${macs}
    Run Keyword And Expect Error    *argument 'traffic_macs': expected 2 addresses*got 1
    ...    Plan NF Chains    traffic_macs=${macs}[:1]
    Run Keyword And Expect Error    *argument 'traffic_macs'*nonsense*
    ...    Plan NF Chains    traffic_macs=${{ ['nonsense', 'nonsense'] }}

A Plan That Does Not Fit Says Why
    ${layout}=    Evaluate    [[i, i, 0, 0] for i in range(4)]
    Run Keyword And Expect Error    *do not fit on node 'DUT1'*NUMA node 0 has 4 cores*
    ...    Plan NF Chains    4    4    layout=${layout}

The Plan Is What Starts
    ${plan}=    Plan NF Chains    1    2    cpus_per_nf=1    memory=256    pinning=shared
    ${infos}=    Start NF Chains    1    2    cpus_per_nf=1    memory=256    pinning=shared
    ...    interfaces=True    vswitch=testpmd    paused=True
    FOR    ${vm}    ${info}    IN ZIP    ${plan}[vms]    ${infos}
        Should Be Equal    ${info}[name]    ${vm}[name]
        Should Be Equal    ${info}[command_line]    ${vm}[command_line]
        Should Be Equal    ${info}[host_cpus]    ${vm}[host_cpus]
        FOR    ${side}    IN    0    1
            ${nic}=    Set Variable    ${info}[interfaces][vhost${${side} + 1}]
            Should Be Equal    ${nic}[socket]    ${vm}[sockets][${side}]
            Should Be Equal    ${nic}[mac_address]    ${vm}[macs][${side}]
            Should Be Equal    ${nic}[pci_address]    ${vm}[pci_addresses][${side}]
        END
        Should Be Equal    ${info}[state]    paused
        Emulator Should Be Pinned    ${info}[pid]    ${vm}[emulator_cpu]
        ${cpus}=    Get VCPU Affinity    ${info}[pid]
        Should Be Equal    ${cpus}    ${{ [str(cpu) for cpu in $vm['host_cpus']] }}
        Memory Should Be Bound    ${info}    ${plan}[numa_node]
    END
    [Teardown]    Stop NF Chains

Memory Is On Its NUMA Node
    [Documentation]    Also when nothing is pinned.
    Start NF Chains    1    1    numa_node=0    pinning=none    interfaces=False    paused=True
    ...    memory=256    cpus_per_nf=1    vnf=none
    ${vm}=    Get VM Info    DUT1_1
    Memory Should Be Bound    ${vm}    0
    [Teardown]    Stop NF Chains

A Plan Knows What Others Have
    Start NF Chains    1    2    name=first    interfaces=False    paused=True    memory=256
    ...    cpus_per_nf=1    vnf=none
    ${plan}=    Plan NF Chains    1    1
    Should Be Equal As Integers    ${plan}[vms][0][qemu_id]    3
    [Teardown]    Stop NF Chains    first

A Name Of The Plan's Own Is Taken
    [Documentation]    A VM of another number has the name of the plan's second one.
    Configure Vhost Interfaces    DUT1_2    /tmp/vh-unused-sock
    ${plan}=    Plan NF Chains    1    2
    Should Be Equal As Integers    ${plan}[vms][0][qemu_id]    3
    [Teardown]    Kill VM    DUT1_2

A VM Of The Same Name Is Not The Chains'
    Start Idle Chains    1
    Kill VM    DUT1_1
    Configure Vhost Interfaces    DUT1_1    /tmp/vh-unused-sock
    ${killed}=    Stop NF Chains
    Should Be Empty    ${killed}
    ${vms}=    List VMs
    Should Be Equal    ${vms}    ${{ ['DUT1_1'] }}
    [Teardown]    Kill VM    DUT1_1


*** Keywords ***
Memory Should Be Bound
    [Documentation]    Where the kernel knows of NUMA nodes; the kernel itself says that it is so.
    [Arguments]    ${vm}    ${numa_node}
    ${known}=    Evaluate    os.path.exists('/sys/devices/system/node/node0')    os
    IF    not ${known}    RETURN
    Should Contain    ${{ ' '.join($vm['command_line']) }}    host-nodes=${numa_node},policy=bind
    ${maps}=    Execute On Node    DUT1    cat    /proc/${vm}[pid]/numa_maps
    Should Contain    ${maps}[stdout]    bind:${numa_node}

Emulator Should Be Pinned
    [Documentation]    QEMU's main thread runs on the CPU of the function's main thread.
    [Arguments]    ${pid}    ${cpu}
    ${status}=    Execute On Node    DUT1    grep    Cpus_allowed_list    /proc/${pid}/status
    ${list}=    Evaluate    $status['stdout'].split()[1]
    Should Be Equal    ${list}    ${{ str(${cpu}) }}
