*** Settings ***
Documentation       NF chains on a private Open vSwitch with DPDK. It needs huge pages of the host: the
...                 suite makes them and puts the number back. Without the right to do so, or
...                 without Open vSwitch, its tests are skipped.
Resource            nf_chains.resource
Library             OperatingSystem

Suite Setup         Set Up Huge Pages
Suite Teardown      Put Huge Pages Back


*** Variables ***
${PAGES_FILE}       /proc/sys/vm/nr_hugepages
# More than it needs: VMs of others on this machine may take some.
${PAGES}            ${1200}


*** Test Cases ***
Chains Carry Every Packet
    [Template]    Chains Should Carry Every Packet
    # The VMs leave the huge pages to the vswitch.
    1    1    chain    testpmd_mac    ovs    page_size=4K
    1    2    chain    testpmd_io    ovs    page_size=4K
    2    1    chain    testpmd_mac    ovs    page_size=4K
    2    2    chain    testpmd_mac    ovs    page_size=4K
    2    2    pipeline    testpmd_io    ovs    page_size=4K

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


*** Keywords ***
Set Up Huge Pages
    Set Up Chains
    ${before}=    Get File    ${PAGES_FILE}
    Set Suite Variable    ${BEFORE}    ${before}
    ${missing}=    Evaluate
    ...    os.geteuid() or not os.path.exists('/usr/lib/openvswitch-switch-dpdk')    os
    Skip If    ${missing}    needs root and openvswitch-switch-dpdk
    Set Huge Pages    ${PAGES}

Set Huge Pages
    [Arguments]    ${count}
    Create File    ${PAGES_FILE}    ${count}

Put Huge Pages Back
    Tear Down Chains
    Run Keyword And Ignore Error    Set Huge Pages    ${BEFORE}
