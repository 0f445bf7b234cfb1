*** Settings ***
Documentation       NF chains on a private Open vSwitch with DPDK. See ovs.resource for what
...                 it needs.
Resource            ovs.resource
Library             ../../libraries/Proc.py

Suite Setup         Set Up Huge Pages
Suite Teardown      Put Huge Pages Back


*** Test Cases ***
Chains Carry Every Packet
    [Template]    Chains Should Carry Every Packet
    # The VMs leave the huge pages to the vswitch.
    1    1    chain    testpmd_mac    ovs    page_size=4K
    1    1    pipeline    testpmd_io    ovs    page_size=4K
    1    2    chain    testpmd_io    ovs    page_size=4K
    1    2    pipeline    testpmd_mac    ovs    page_size=4K
    2    1    chain    testpmd_mac    ovs    page_size=4K
    2    1    pipeline    testpmd_io    ovs    page_size=4K
    2    2    chain    testpmd_mac    ovs    page_size=4K
    2    2    pipeline    testpmd_io    ovs    page_size=4K
    1    1    chain    testpmd_mac    ovs    page_size=4K    queues=2

Frames Of All Sizes Pass
    Frames Of All Sizes Should Pass    ovs    page_size=4K

The Vswitch Dies And Comes Back
    Chains Should Outlive Their Vswitch    ovs    page_size=4K

Its Threads Are Where They Are Told To Be
    [Documentation]    The first CPU is the main thread's; the data plane has the others.
    ${stats}=    Start Vswitch    driver=ovs    host_cpus=${{ [1, 0] }}
    ${main}    ${polling}=    Get Thread CPUs    ${stats}[pid]    pmd-
    Should Be Equal    ${main}    1
    Should Be Equal    ${polling}    ${{ ['0'] }}
    Stop Vswitch
    ${stats}=    Start Vswitch    driver=ovs    host_cpus=${{ [1] }}
    ${main}    ${polling}=    Get Thread CPUs    ${stats}[pid]    pmd-
    Should Be Equal    ${main}    1
    Should Be Equal    ${polling}    ${{ ['1'] }}
    [Teardown]    Stop Vswitch

The Vswitch Keeps Its Huge Pages
    [Documentation]    What is planned is what starts: huge pages for every VM, or for none.
    ${vms}=    Start NF Chains    1    2    vswitch=ovs    paused=True
    FOR    ${vm}    IN    @{vms}
        Should Contain    ${{ ' '.join($vm['command_line']) }}    hugetlbsize=2M
    END
    Stop NF Chains
    # Enough for the vswitch and one of them.
    Set Huge Pages    800
    ${vms}=    Start NF Chains    1    2    vswitch=ovs    paused=True
    FOR    ${vm}    IN    @{vms}
        Should Not Contain    ${{ ' '.join($vm['command_line']) }}    hugetlb
    END
    Run Keyword And Expect Error    *2 VMs of 512 MiB need 512 pages of 2M*
    ...    Start NF Chains    1    2    name=other    vswitch=ovs    page_size=2M
    [Teardown]    Run Keywords    Stop NF Chains    AND    Set Huge Pages    ${PAGES}

Without Huge Pages It Says What Is Missing
    Set Huge Pages    0
    Run Keyword And Expect Error    *Open vSwitch needs at least*huge pages*
    ...    Start NF Chains    vswitch=ovs
    [Teardown]    Set Huge Pages    ${PAGES}
