*** Settings ***
Documentation       NF chains on DPDK's testpmd as the vswitch, which every machine with DPDK has.
Resource            nf_chains.resource

Suite Setup         Set Up Chains
Suite Teardown      Tear Down Chains


*** Variables ***
@{MACS}     02:00:00:00:00:0a    02:00:00:00:00:0b


*** Test Cases ***
Chains Carry Every Packet
    [Template]    Chains Should Carry Every Packet
    1    1    chain    testpmd_mac    testpmd
    1    1    pipeline    testpmd_io    testpmd
    1    2    chain    testpmd_io    testpmd
    1    2    pipeline    testpmd_mac    testpmd
    2    1    chain    testpmd_mac    testpmd
    2    1    pipeline    testpmd_io    testpmd
    2    2    chain    testpmd_mac    testpmd
    2    2    pipeline    testpmd_mac    testpmd
    1    1    chain    testpmd_mac    testpmd    queues=2    traffic_macs=${MACS}

Frames Of All Sizes Pass
    Frames Of All Sizes Should Pass    testpmd

The Vswitch Dies And Comes Back
    Chains Should Outlive Their Vswitch    testpmd

A Rate That This Host Cannot Send Is Told
    [Documentation]    A measurement ends in time, and says what was not sent: 18 GB a second are
    ...    more than one thread can copy.
    Start NF Chains    vswitch=testpmd    vnf=testpmd_io    jumbo=True
    ${result}=    Measure Chain Throughput    duration=1 second    frame_size=9000    rate=1mpps
    ...    timeout=10 seconds
    Should Be True    ${result}[refused] > 0
    ${all}=    Evaluate    $result['tx_packets'] + $result['refused']
    Should Be Equal As Integers    ${all}    2000000
    Should Be True    ${result}[tx_pps] < 2000000
    [Teardown]    Stop NF Chains

The Highest Rate Is Found Without Loss
    ${vms}=    Start NF Chains    vswitch=testpmd    vnf=testpmd_io
    ${result}=    Measure Chain Throughput    duration=3 seconds
    Should Be True    ${result}[pps] > 2000
    Should Be True    ${result}[loss_ratio] < 0.01
    Log    ${result}[pps] packets a second    console=True
    [Teardown]    Stop NF Chains
