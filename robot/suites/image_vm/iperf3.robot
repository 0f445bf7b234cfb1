*** Settings ***
Documentation       iperf3 between two image VMs. Their vhost interfaces are joined by a testpmd on
...                 this machine, which is nothing but the wire, and counts.
Resource            image_vm.resource
Suite Setup         Start Two Image VMs
Suite Teardown      Stop What Runs


*** Test Cases ***
Iperf3 Runs Between Two VMs
    Iperf3 Should Run Between    server    client

Stopped It Does Not Answer
    Stopped Iperf3 Should Not Answer    server    client

A Port That Is Taken Fails With Iperf3's Own Words
    ${addresses}=    Create List    192.168.7.1/24
    Run Keyword And Expect Error    *iperf3: error*unable to start listener*
    ...    Run Iperf3 Server In VM    server    addresses=${addresses}    port=22


*** Keywords ***
Start Two Image VMs
    Make A Directory
    Set Up VMs
    Configure Vhost Interfaces    server    ${DIRECTORY}/1
    Configure Vhost Interfaces    client    ${DIRECTORY}/2
    Start Host Testpmd    ${DIRECTORY}/1    ${DIRECTORY}/2
    Host Testpmd Command    start
    Start Image VM    server    memory=512    qemu_id=9
    Start Image VM    client    memory=512    qemu_id=10
