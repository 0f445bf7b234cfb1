*** Settings ***
Documentation       What goes wrong with chains is named, rolled back, and leaves nothing behind.
Resource            nf_chains.resource
Library             ../../libraries/Background.py
Library             ../../libraries/Leftovers.py
Library             Process
Library             OperatingSystem

Suite Setup         Set Up Chains
Suite Teardown      Tear Down Chains
Test Teardown       Run Keywords    Stop NF Chains    AND    Stop Vswitch


*** Variables ***
# The third VM's network function ends at once, the others stay.
${THIRD_FAILS}      [ "$(cat /proc/sys/kernel/hostname)" = DUT1_3 ] && exit 1; sleep infinity


*** Test Cases ***
More Chains Than Fit
    ${error}=    Run Keyword And Expect Error    *    Start NF Chains    100    3
    Should Contain    ${error}    100 x 3 network functions do not fit on node 'DUT1'
    Should Contain    ${error}    qemu_ids: 300 VMs
    Should Contain    ${error}    memory: 300 VMs of 512 MiB need
    Chains Should Be Gone

A Place Out Of Range
    Run Keyword And Expect Error    *argument 'node_in_chain': expected 1 to 2, got 3*
    ...    Get CPU Placement    1    2    1    3    layout=${{ [[i, i, 0, 0] for i in range(16)] }}
    Run Keyword And Expect Error    *argument 'chain': expected 1 to 1, got 2*
    ...    Get CPU Placement    1    2    2    1    layout=${{ [[i, i, 0, 0] for i in range(16)] }}

Half A Core Without SMT
    Run Keyword And Expect Error    *argument 'nf_dtc': expected a whole number, got 0.5*
    ...    Start NF Chains    nf_dtc=0.5    pinning=required
    Run Keyword And Expect Error    *argument 'nf_dtc': expected a whole number, got 0.5*
    ...    Start NF Chains    nf_dtc=0.5
    Chains Should Be Gone

A NUMA Node That Is Not There
    FOR    ${pinning}    IN    auto    required    shared    none
        Run Keyword And Expect Error    *argument 'numa_node': expected one of*, got 99
        ...    Start NF Chains    numa_node=99    pinning=${pinning}
    END
    Chains Should Be Gone

A Layout Is For Plans Only
    Run Keyword And Expect Error    *argument 'layout'*Plan NF Chains*
    ...    Start NF Chains    layout=${{ [[0, 0, 0, 0]] }}

A CPU That Is Not There
    Run Keyword And Expect Error    *argument 'host_cpus': the node has no CPU 8000*
    ...    Start Vswitch    host_cpus=${{ [0, 8000] }}
    Chains Should Be Gone

No VPP
    Run Keyword And Expect Error    *vswitch 'vpp'*cli.sock*    Start Vswitch    driver=vpp
    Run Keyword And Expect Error    *vswitch 'vpp'*cli.sock*    Start NF Chains    vswitch=vpp
    Chains Should Be Gone

No Vswitch Connects
    Run Keyword And Expect Error    *no vswitch connected within*vhost1*@nf/sock-1-1*
    ...    Start NF Chains    timeout=4 seconds
    Chains Should Be Gone

Too Many Ports For Testpmd
    Run Keyword And Expect Error    *testpmd*at most 32*
    ...    Start Vswitch    chains=5    nodes_per_chain=3
    Chains Should Be Gone

A Socket In Use
    ${directory}=    Evaluate    tempfile.mkdtemp(prefix='vh-', dir='/tmp')    tempfile
    ${socket}=    Evaluate    socket.socket(socket.AF_UNIX)    socket
    Evaluate    ($socket.bind('${directory}/sock-2-1'), $socket.listen())
    Run Keyword And Expect Error    *VM 'DUT1_2'*sock-2-1' is in use*
    ...    Start NF Chains    2    1    socket_dir=${directory}
    Chains Should Be Gone
    Should Exist    ${directory}/sock-2-1
    # With everything else that is wrong.
    Set Constant    kernel_vm.kernel    ${directory}/none
    ${error}=    Run Keyword And Expect Error    *    Plan NF Chains    2    1
    ...    socket_dir=${directory}    memory=128
    Should Contain    ${error}    VM 'DUT1_2': socket '${directory}/sock-2-1' is in use
    Should Contain    ${error}    kernel_vm.kernel (tools/kernel-vm/build makes one): ${directory}/none
    Should Contain    ${error}    guest memory: the payload needs
    [Teardown]    Run Keywords    Reload Constants
    ...    AND    Evaluate    ($socket.close(), shutil.rmtree('${directory}'))

A Payload That Fails In VM 3 Of 4
    ${error}=    Run Keyword And Expect Error    *    Start NF Chains    2    2    interfaces=False
    ...    vnf=command    command=${THIRD_FAILS}    ready_pattern=never printed    memory=256    parallel=4
    Should Contain    ${error}    VM 'DUT1_3'
    Should Contain    ${error}    the init script ended
    Chains Should Be Gone

A Name That Is Taken
    Start Idle Chains    1
    Run Keyword And Expect Error    *chains 'nf' have 1 VMs already*    Start Idle Chains    1
    ${vms}=    List NF Chains
    Should Be Equal    ${vms}[0][state]    paused
    Start Idle Chains    2    name=other
    ${killed}=    Stop NF Chains    other
    Should Be Equal    ${killed}    ${{ ['DUT1_2', 'DUT1_3'] }}
    ${killed}=    Stop NF Chains
    Should Be Equal    ${killed}    ${{ ['DUT1_1'] }}
    Chains Should Be Gone

Killed Chains Make Room For New Ones
    Start Idle Chains    2
    Qemu Kill All
    ${vms}=    List NF Chains
    Should Be Equal    ${vms}[0][state]    gone
    Start Idle Chains    2
    Stop NF Chains
    Chains Should Be Gone

Killed Chains Take Their Vswitch With Them
    Start NF Chains    vswitch=testpmd    vnf=none    paused=True    memory=256    cpus_per_nf=1
    Start Vswitch    name=other
    Qemu Kill All
    Run Keyword And Expect Error    *chains 'nf' have no vswitch*    Get Vswitch Stats
    Get Vswitch Stats    name=other
    Stop NF Chains
    Stop Vswitch    name=other
    Chains Should Be Gone

A Start That Is Stopped
    Start In Background    start    Start NF Chains    2    2    vswitch=testpmd
    Wait Until Keyword Succeeds    20 seconds    0.1 seconds    A VM Should Be Starting
    ${killed}=    Stop NF Chains
    ${result}=    Wait For Background    start
    Should Be Equal    ${result}[status]    FAIL
    Should Contain    ${result}[error]    being stopped
    Chains Should Be Gone

A Start Whose Client Hangs Up
    Start In Background    start    Start NF Chains    2    2    vswitch=testpmd
    Wait Until Keyword Succeeds    20 seconds    0.1 seconds    A VM Should Be Starting
    Hang Up Background    start
    Wait Until Keyword Succeeds    10 seconds    0.1 seconds    Chains Should Be Gone

A Vswitch That Dies Before The Start
    ${stats}=    Start Vswitch
    Kill Process And Wait    ${stats}[pid]
    Run Keyword And Expect Error    *vswitch 'testpmd' of chains 'nf' ended*    Start NF Chains
    Run Keyword And Expect Error    *vswitch 'testpmd' of chains 'nf' ended*    Get Vswitch Stats
    Stop Vswitch
    Chains Should Be Gone

A Vswitch That Dies During The Start
    ${stats}=    Start Vswitch    nodes_per_chain=2
    Start In Background    start    Start NF Chains    1    2
    Wait Until Keyword Succeeds    20 seconds    0.1 seconds    A VM Should Be Starting
    Kill Process And Wait    ${stats}[pid]
    ${result}=    Wait For Background    start
    Should Be Equal    ${result}[status]    FAIL
    Should Contain    ${result}[error]    vswitch 'testpmd' of chains 'nf' ended
    Stop Vswitch
    Chains Should Be Gone

A Vswitch That Dies After The Start Comes Back
    ${vms}=    Start NF Chains    vswitch=testpmd    vnf=testpmd_io
    ${stats}=    Get Vswitch Stats
    Kill Process And Wait    ${stats}[pid]
    Run Keyword And Expect Error    *vswitch 'testpmd' of chains 'nf' ended*
    ...    Measure Chain Throughput
    Start Vswitch
    Wait Until Vhost Connected    ${vms}[0][name]
    ${result}=    Measure Chain Throughput    duration=2 seconds    rate=500
    Should Be Equal As Integers    ${result}[rx_packets]    2000
    # It took the place of one that came with the VMs, and goes with them.
    Stop NF Chains
    Chains Should Be Gone

Traffic Without A Vswitch
    Run Keyword And Expect Error    *no chains 'nf'*    Measure Chain Throughput
    Start Vswitch
    Run Keyword And Expect Error    *argument 'rate'*'fast'*    Measure Chain Throughput
    ...    rate=fast
    Run Keyword And Expect Error    *argument 'frame_size'*1518*    Measure Chain Throughput
    ...    frame_size=2000
    Run Keyword And Expect Error    *argument 'rate': 9 frames a second are less than one in 0.1 s*
    ...    Measure Chain Throughput    rate=9    duration=0.1 seconds
    Run Keyword And Expect Error    *timed out*    Measure Chain Throughput
    ...    rate=10    duration=1 minute    timeout=0.5 seconds
    Run Keyword And Expect Error    *have a vswitch 'testpmd' already*    Start Vswitch


*** Keywords ***
A VM Should Be Starting
    ${vms}=    List NF Chains
    Should Be Equal    ${vms}[0][state]    starting

Chains Should Be Gone
    ${vms}=    List VMs
    Should Be Empty    ${vms}
    ${chains}=    List NF Chains
    Should Be Empty    ${chains}
    Nothing Should Be Left
