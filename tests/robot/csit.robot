*** Settings ***
Documentation       Suites of FD.io CSIT find their keywords: the old names start, wire and end real VMs.
...
...                 The vswitch of the first tests is a testpmd on this machine.
Resource            ../../robot/csit.resource
Library             ../../robot/libraries/QemuUtils.py    qemu_id=2    smp=2    vnf=testpmd_io    AS    second_vm
Library             ../../robot/libraries/HostTestpmd.py
Library             OperatingSystem

Suite Setup         Set Up CSIT
Suite Teardown      Tear Down CSIT
Test Teardown       Tear Down Test


*** Variables ***
${CSIT_NAME}        csit-test
${PACKETS}          ${2000}


*** Test Cases ***
One VM Is Described, Started And Ended As In CSIT
    vm_node.Qemu Set Node    DUT1
    vm_node.Qemu Set Smp    ${2}    ${1}    ${2}    1
    vm_node.Qemu Set Mem Size    512
    vm_node.Qemu Set Disk Image    /opt/boot/vmlinuz-6.1
    vm_node.Qemu Set Ssh Fwd Port    10022
    vm_node.Qemu Set Serial Port    4556
    vm_node.Qemu Add Vhost User If    ${DIRECTORY}/sock1
    ${interfaces}=    vm_node.Qemu Add Vhost User If    ${DIRECTORY}/sock2    queue_size=${256}
    Should Be Equal    ${interfaces}[vhost1][mac_address]    52:54:00:00:01:01
    Should Be Equal    ${interfaces}[vhost2][pci_address]    0000:00:07.0
    Start Host Testpmd    ${DIRECTORY}/sock1    ${DIRECTORY}/sock2
    ${vm}=    vm_node.Qemu Start
    Should Be Equal    ${vm}[name]    DUT1_1
    Should Be Equal As Integers    ${vm}[port]    10022
    Should Be Equal    ${vm}[type]    VM
    ${siblings}=    Execute In VM    ${vm}[name]    cat
    ...    /sys/devices/system/cpu/cpu0/topology/thread_siblings_list
    Should Be Equal    ${siblings}[stdout]    0-1\n
    ${version}=    vm_node.Qemu Version
    Should Match Regexp    ${version}    ^\\d+\\.\\d+
    vm_node.Qemu Set Affinity    0    0
    ${testpmd}=    Dpdk Testpmd Start    ${vm}    pmd_fwd_mode=mac    pmd_eth_peer_0=0,02:00:00:00:00:01
    ...    pmd_eth_peer_1=1,02:00:00:00:00:02    eal_corelist=0,1    pmd_num_mbufs=${8192}
    Should Contain    ${testpmd}[command]    --eth-peer=1,02:00:00:00:00:02
    Packets Should Come Through
    ${stats}=    Dpdk Testpmd Stop    ${vm}
    Should Be True    ${stats}[ports][0][rx_packets] >= ${PACKETS}
    ${state}=    vm_node.Qemu System Status
    Should Be Equal    ${state}    running
    vm_node.Qemu Kill
    File Should Not Exist    ${DIRECTORY}/sock1
    File Should Not Exist    /proc/${vm}[pid]/stat

A Second VM Is A Second Import
    second_vm.Qemu Add Vhost User If    ${DIRECTORY}/sock1
    second_vm.Qemu Add Vhost User If    ${DIRECTORY}/sock2
    Start Host Testpmd    ${DIRECTORY}/sock1    ${DIRECTORY}/sock2
    ${vm}=    second_vm.Qemu Start
    Should Be Equal    ${vm}[name]    DUT1_2
    Should Be Equal    ${vm}[interfaces][vhost2][mac_address]    52:54:00:00:02:02
    Should Be Equal    ${vm}[vnf]    testpmd_io
    Packets Should Come Through

Chains Of Several VMs Are Constructed, Started And Killed
    Start Vswitch    driver=testpmd    nodes_per_chain=2    name=${CSIT_NAME}_DUT1    socket_dir=${DIRECTORY}
    Set Test Variable    ${CSIT_SOCKET_DIR}    ${DIRECTORY}
    Configure Chains Of NFs Connected Via Vhost-User On Single Node    DUT1    nf_nodes=${2}
    ...    vnf=testpmd_io    pinning=${False}    validate=${True}
    ${vms}=    vnf_manager.Get VM Nodes
    Length Should Be    ${vms}    2
    ${result}=    Measure Chain Throughput    ${CSIT_NAME}_DUT1    1 second    rate=500
    Should Be Equal As Numbers    ${result}[loss_ratio]    0
    Should Be True    ${result}[rx_packets] > 500
    Additional Test Tear Down Action For Vhost
    ${left}=    List VMs
    Should Be Empty    ${left}
    [Teardown]    Tear Down Chains

VPP Has CSIT's Names
    [Documentation]    It is not in Debian: without it the start says what is missing, and where.
    ${vpp}=    Evaluate    shutil.which('vpp')    shutil
    IF    $vpp
        Start Chain Of VPP    vpp_chain_l2xc
        vnf_manager.Kill All VMs
    ELSE
        Run Keyword And Expect Error    *VM 'DUT1_1'*has no program 'vpp': install it in the host's root*
        ...    Start Chain Of VPP    vpp_chain_l2xc
    END
    Run Keyword And Expect Error    *argument 'template'*vpp-vpp_chain_ip9.exec*
    ...    Start Chain Of VPP    vpp_chain_ip9
    [Teardown]    Tear Down Chains

What Would Measure Something Else Is Refused
    [Template]    Run Keyword And Expect Error
    argument 'perf_qemu_qsz': chains have queues of 1024 descriptors, got 256;*
    ...    Configure Chains Of NFs Connected Via Vhost-User    perf_qemu_qsz=${256}
    Qemu Set Ssh Fwd Port: port 10022 follows from qemu_id 1, got 2222    vm_node.Qemu Set Ssh Fwd Port    2222
    Qemu Set Smp: the server shows a guest one socket, got 2    vm_node.Qemu Set Smp    4    1    2    2
    Qemu Set Smp: 3 cores of 1 thread(s) are not 4 vCPUs    vm_node.Qemu Set Smp    4    3
    Start NF Chains*unknown node 'DUT9'*    Configure Chains Of NFs Connected Via Vhost-User On Single Node
    ...    DUT9    vnf=testpmd_io

Offloads Are Refused For Chains
    Set Test Variable    ${enable_gso}    ${True}
    Run Keyword And Expect Error    argument 'virtio_feature_mask': interfaces of chains have no offloads;*
    ...    Configure Chains Of NFs Connected Via Vhost-User


*** Keywords ***
Set Up CSIT
    ${directory}=    Evaluate    tempfile.mkdtemp(prefix='vh-', dir='/tmp')    tempfile
    Set Suite Variable    ${DIRECTORY}    ${directory}
    Set Up VMs

Start Chain Of VPP
    [Arguments]    ${vnf}
    Set Test Variable    ${CSIT_SOCKET_DIR}    ${DIRECTORY}
    Set Test Variable    ${CSIT_MEMORY}    ${768}
    Run Keyword And Ignore Error    Start Vswitch    driver=testpmd    name=${CSIT_NAME}_DUT1
    ...    socket_dir=${DIRECTORY}
    Configure Chains Of NFs Connected Via Vhost-User On Single Node    DUT1    vnf=${vnf}    pinning=${False}

Tear Down CSIT
    Tear Down VMs
    Remove Directory    ${DIRECTORY}    recursive=True

Tear Down Test
    Qemu Kill All
    Stop Host Testpmd

Tear Down Chains
    vnf_manager.Kill All VMs
    Stop Vswitch    name=${CSIT_NAME}_DUT1

Packets Should Come Through
    Host Testpmd Command    start tx_first
    Wait For Host Testpmd Packets    ${PACKETS}    port=0
    Wait For Host Testpmd Packets    ${PACKETS}    port=1
    Host Testpmd Command    stop
